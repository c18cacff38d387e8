#!/usr/bin/python3
# SPDX-License-Identifier: EUPL-1.2
"""Prints, as JSON, the running time in nanoseconds of every packet that GStreamer's qtdemux hands out, per stream.

Usage: gst_times.py FILE. Needs Debian's python3-gi and gir1.2-gstreamer-1.0.
"""
import json
import sys

import gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def main(path):
    Gst.init(None)
    pipeline = Gst.parse_launch("filesrc name=source ! qtdemux name=demux")
    pipeline.get_by_name("source").set_property("location", path)
    times = {}

    def on_pad(demux, pad):
        times[pad.get_name()] = mine = []
        segment = [None]
        queue, sink = Gst.ElementFactory.make("queue"), Gst.ElementFactory.make("fakesink")
        for limit in ("max-size-buffers", "max-size-bytes", "max-size-time"):
            queue.set_property(limit, 0)
        sink.set_property("sync", False)
        sink.set_property("async", False)
        pipeline.add(queue)
        pipeline.add(sink)
        queue.link(sink)

        def on_data(_, info):
            if info.type & Gst.PadProbeType.BUFFER:
                sign, time = segment[0].to_running_time_full(Gst.Format.TIME, info.get_buffer().pts)
                mine.append(sign * time)
            elif info.get_event().type == Gst.EventType.SEGMENT:
                segment[0] = info.get_event().parse_segment().copy()
            return Gst.PadProbeReturn.OK

        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM, on_data)
        pad.link(queue.get_static_pad("sink"))
        queue.sync_state_with_parent()
        sink.sync_state_with_parent()

    pipeline.get_by_name("demux").connect("pad-added", on_pad)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(60 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
    error = "time-out" if message is None else message.parse_error()[0].message \
        if message.type == Gst.MessageType.ERROR else None
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"error": error, "pads": times}))


if __name__ == "__main__":
    main(sys.argv[1])
