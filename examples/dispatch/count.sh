#!/bin/sh
# An analyzer's program: counts the words of its input, slowly enough to see that tasks run side by side. The type
# `flaky` fails in its first attempt.
sleep 0.3
if [ "$SLUICE_TYPE" = flaky ] && [ "$SLUICE_ATTEMPT" -lt 2 ]; then
  echo 'not this time' >&2
  exit 1
fi
exec wc -w
