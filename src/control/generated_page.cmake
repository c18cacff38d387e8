# SPDX-License-Identifier: EUPL-1.2
# Compares a page of docs/ with what its program prints, or replaces it (UPDATE).
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE now RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "${PROGRAM}: ${status}")
endif()
if(UPDATE)
    file(WRITE ${PAGE} "${now}")
    return()
endif()
file(READ ${PAGE} before)
if(NOT before STREQUAL now)
    message(FATAL_ERROR "${PAGE} is behind its source: build the target that updates it")
endif()
