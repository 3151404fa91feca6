#!/bin/busybox sh
# The lab's service. Environment: NAME, PORT (8080), DATA (directory), START_DELAY (1 s), STOP_DELAY (0 s),
# MODE=ok|unhealthy|exit|hang-term, GREETING. GET /health answers JSON once it serves.
exec 2>&1
W=/tmp/www
busybox mkdir -p $W
if [ "$MODE" = hang-term ]; then
  trap '' TERM
else
  trap 'busybox rm -f $W/health; echo "$VERSION stopping"; busybox sleep ${STOP_DELAY:-0}; [ -n "$HP" ] && kill $HP; exit 0' TERM INT
fi
echo "$VERSION starting mode=${MODE:-ok}"
busybox sleep ${START_DELAY:-1} & wait $!
[ "$MODE" = exit ] && { echo "$VERSION failing"; exit 3; }
CONFIG=$(busybox head -n 1 /config/app.yml 2>/dev/null)
[ "$MODE" = unhealthy ] || echo "{\"status\":\"ok\",\"service\":\"$NAME\",\"version\":\"$VERSION\",\"greeting\":\"$GREETING\",\"config\":\"$CONFIG\"}" > $W/health
[ -n "$DATA" ] && echo "$(busybox date +%s) $VERSION" >> $DATA/starts.log
busybox httpd -f -p ${PORT:-8080} -h $W & HP=$!
echo "$VERSION serving on ${PORT:-8080}"
while kill -0 $HP 2>/dev/null; do wait $HP; done
