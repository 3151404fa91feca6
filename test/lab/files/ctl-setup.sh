#!/bin/bash
# Runs once inside the control host: registry, git over ssh and git://, webhook sink, build context for images.
# Needs /root/lab/{svc.sh,Dockerfile,hook-sink.py}.
set -eu

cat >/etc/docker/registry/config.yml <<'Y'
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/docker-registry}, delete: {enabled: true}, cache: {blobdescriptor: inmemory}}
http: {addr: 10.77.0.10:5000}
Y
# Debian's unit may start before the address is there: keep trying.
install -d /etc/systemd/system/docker-registry.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=200ms\n' \
  >/etc/systemd/system/docker-registry.service.d/retry.conf

useradd --create-home --home-dir /srv/git --shell /bin/bash git
cp -r /root/.ssh /srv/git/.ssh
chown -R git:git /srv/git
chmod 0755 /srv/git
git config --system --add safe.directory '*'
git config --system uploadpack.allowAnySHA1InWant true

cat >/etc/systemd/system/git-daemon.service <<'U'
[Unit]
After=network.target
StartLimitIntervalSec=0
[Service]
User=git
ExecStart=/usr/bin/git daemon --base-path=/srv/git --export-all --reuseaddr
Restart=always
RestartSec=200ms
[Install]
WantedBy=multi-user.target
U
cat >/etc/systemd/system/hook-sink.service <<'U'
[Unit]
After=network.target
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/python3 -u /root/lab/hook-sink.py /var/log/hook.jsonl
Restart=always
RestartSec=200ms
[Install]
WantedBy=multi-user.target
U
systemctl daemon-reload
systemctl enable -q --now docker-registry git-daemon hook-sink

mkdir -p /root/lab/context/bin /root/lab/context/empty
cd /root/lab/context
cp /bin/busybox bin/busybox
cp /root/lab/svc.sh svc
chmod +x svc
for applet in sh sleep ls cat date mkdir rm kill wget; do ln -sf busybox "bin/$applet"; done
cp /root/lab/Dockerfile Dockerfile

cat >/usr/local/bin/publish-image <<'P'
#!/bin/bash
# publish-image SERVICE VERSION [TAG]: build the image of SERVICE that reports VERSION, push it as TAG (default VERSION)
set -eu
name=registry.lab:5000/$1:${3:-$2}
docker build -q --build-arg SERVICE="$1" --build-arg VERSION="$2" -t "$name" /root/lab/context
docker push -q "$name"
P
chmod +x /usr/local/bin/publish-image
