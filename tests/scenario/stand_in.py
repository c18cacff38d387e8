# SPDX-License-Identifier: EUPL-1.2
"""A recorder that is not ours: it offers org.bodycam.Recorder1 and Simulation1 with whatever properties a test gives it, and
keeps the calls. For what the real daemon cannot be brought to say: hostile texts, flags that nobody knows, properties that are
missing, a battery.
"""

import threading

from gi.repository import Gio, GLib
from harness import NAME, PATH, RECORDER, REFUSED, SIMULATION

METHODS = {
    RECORDER: {"Mark": "s", "PutNonce": "s", "SetMuted": "b", "SetStealth": "b", "Indicate": "s", "DescribePolicy": "", "RecordStart": "s"},
    SIMULATION: {"SetBattery": "xxb", "Indications": ""},
}
ANSWERS = {"DescribePolicy": "as", "Indications": "a(xuub)", "RecordStart": "tbs"}


def xml(properties):
    text = "<node>"
    for interface, methods in METHODS.items():
        text += f"<interface name='{interface}'>"
        for name, arguments in methods.items():
            text += f"<method name='{name}'>"
            text += "".join(f"<arg direction='in' type='{a}'/>" for a in arguments)
            text += "".join(f"<arg direction='out' type='{a}'/>" for a in split(ANSWERS.get(name, "")))
            text += "</method>"
        if interface == RECORDER:
            text += "".join(f"<property name='{k}' type='{v.get_type_string()}' access='read'/>" for k, v in properties.items())
        text += "</interface>"
    return text + "</node>"


def split(signature):
    return [signature] if signature.startswith("a") else list(signature)


class StandIn:
    """properties: {name: GLib.Variant}. answers: {method: python value of its answer, or an exception's text to refuse with}."""

    def __init__(self, bus, properties, answers=None):
        self.properties, self.answers, self.calls = properties, answers or {}, []
        self.address = bus.address
        self.ready = threading.Event()
        self.error = None
        self.context = GLib.MainContext.new()
        self.loop = GLib.MainLoop.new(self.context, False)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        assert self.ready.wait(30) and self.error is None, self.error

    def run(self):
        try:
            self.context.push_thread_default()
            flags = Gio.DBusConnectionFlags
            self.connection = Gio.DBusConnection.new_for_address_sync(
                self.address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)
            self.connection.set_exit_on_close(False)
            for interface in Gio.DBusNodeInfo.new_for_xml(xml(self.properties)).interfaces:
                self.connection.register_object(PATH, interface, self.on_call, self.on_get, None)
            self.connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
                                      GLib.Variant("(su)", (NAME, 0)), None, Gio.DBusCallFlags.NONE, -1, None)
        except Exception as error:  # told by the one who waits
            self.error = error
        self.ready.set()
        if self.error is None:
            self.loop.run()
            self.connection.close_sync(None)

    def on_get(self, _connection, _sender, _path, _interface, name):
        return self.properties[name]

    def on_call(self, _connection, _sender, _path, _interface, method, arguments, invocation):
        self.calls.append((method, *arguments.unpack()))
        answer = self.answers.get(method)
        if isinstance(answer, str):
            invocation.return_dbus_error(REFUSED, answer)
        elif answer is None:
            invocation.return_value(None)
        else:
            invocation.return_value(GLib.Variant(f"({ANSWERS[method]})", answer))

    def alarm(self, text):
        self.connection.emit_signal(None, PATH, RECORDER, "Alarm", GLib.Variant("(s)", (text,)))

    def close(self):
        self.loop.quit()
        self.thread.join(30)
