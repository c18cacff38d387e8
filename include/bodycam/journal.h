// SPDX-License-Identifier: EUPL-1.2
// The kinds of lines in the journal that are worth finding, as MESSAGE_ID= (journalctl MESSAGE_ID=...), and the fields
// that such lines have. Programs go by them, so none ever changes; bodycamd(8) lists them.
#ifndef BODYCAM_JOURNAL_H
#define BODYCAM_JOURNAL_H

#define BC_JOURNAL_STATE "9612322f92814d85af45070c46090495"     // from one state to another
#define BC_JOURNAL_ALARM "262b0dcf6a83494689f17b6d62a478ee"
#define BC_JOURNAL_BEGUN "ac90e847171246d5b5a987a2accecb89"     // a recording has its number and its folder
#define BC_JOURNAL_CLOSED "9d75e19d861149b4a3950e606acd56d4"    // a recording is closed, all of it durable
#define BC_JOURNAL_GAP "0c4915bd85ba40bda86387bc9c04b8bc"       // what could not be written in time
#define BC_JOURNAL_STUCK "7c9164e08dd9403ab845583d7f542b62"     // a thread; the watchdog is not fed
#define BC_JOURNAL_RELOADED "49d450f2a9404bfdae11e88b74306701"  // the settings
#define BC_JOURNAL_REFUSED "2d5b452359974a16955130a47c500fca"   // settings that were to be reloaded

#define BC_JOURNAL_FIELD_STATE "BODYCAM_STATE"            // the new one, as bodycamctl(1) has it
#define BC_JOURNAL_FIELD_EVENT "BODYCAM_EVENT"            // what led to it
#define BC_JOURNAL_FIELD_BY "BODYCAM_BY"                  // who or what asked
#define BC_JOURNAL_FIELD_RECORDING "BODYCAM_RECORDING"    // its name
#define BC_JOURNAL_FIELD_TIME "BODYCAM_MEDIA_TIME_NS"     // of the event
#define BC_JOURNAL_FIELD_GAP "BODYCAM_GAP_NS"             // how much is missing
#define BC_JOURNAL_FIELD_THREAD "BODYCAM_THREAD"
#define BC_JOURNAL_FIELD_STUCK "BODYCAM_STUCK_NS"         // for how long
#define BC_JOURNAL_FIELD_CHANGES "BODYCAM_CHANGES"        // how many keys
#define BC_JOURNAL_FIELD_ERRORS "BODYCAM_ERRORS"

#endif
