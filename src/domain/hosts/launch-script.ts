import { fenceScript, type Fence } from './fence.js';

/** Where a machine says that it is prepared: the file holds the machine's name. */
export const launchMarker = '/var/lib/creel/prepared';

/** What puts the fence up on a machine. */
const fenceProgram = '/usr/local/sbin/creel-fence';

/** Users that a system's images are logged in as; one of them is there. */
const logins = 'admin ubuntu debian';

/**
 * What a new machine runs as root, once: it finds or installs Docker, keeps containers alive over a restart of the
 * engine, gives the engine an id of its own (a machine made from a copied disk has the other one's), lets the login user
 * use it, puts up the fence around gateways, and leaves a marker. It may run again. It holds no secret: everybody on the machine can read it. Plain POSIX,
 * because the provider puts lines of its own before it and has it run by `dash`.
 */
export function launchScript({ machine, fence }: { readonly machine: string; readonly fence: Fence }): string {
  return `# creel: prepares ${machine} for gateways. It may run again, and holds no secret.
set -eu
machine=${machine}
${preparation}
${fencing(fence)}
${ending}`;
}

/** Puts the fence up, and again at every boot and each minute: rules go with a reboot and with whoever flushes them. */
function fencing(fence: Fence): string {
  return `cat > ${fenceProgram}.new <<'FENCE'
${fenceScript(fence)}FENCE
chmod 755 ${fenceProgram}.new
mv ${fenceProgram}.new ${fenceProgram}
if [ -d /run/systemd/system ]; then
  cat > /etc/systemd/system/creel-fence.service <<'UNIT'
[Unit]
Description=The fence around the gateways of creel
After=docker.service

[Service]
Type=oneshot
ExecStart=${fenceProgram}
UNIT
  cat > /etc/systemd/system/creel-fence.timer <<'UNIT'
[Timer]
OnBootSec=5
OnUnitActiveSec=60

[Install]
WantedBy=timers.target
UNIT
  systemctl daemon-reload
  systemctl enable --now creel-fence.timer || say "the fence is not put up again by itself"
fi
${fenceProgram} || say "the fence cannot be put up"
`;
}

const preparation = `marker=${launchMarker}
say() { echo "creel: $*"; }
if [ "$(cat "$marker" 2>/dev/null || true)" = "$machine" ]; then
  say "$machine is prepared"
  exit 0
fi
mkdir -p "\${marker%/*}" /etc/docker
rm -f "$marker"

cat > /etc/ssh/sshd_config.d/10-creel.conf <<'SSHD' || say "sshd reads no directory of settings"
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
X11Forwarding no
AllowAgentForwarding no
PermitTunnel no
SSHD

if [ ! -e /etc/docker/daemon.json ]; then
  cat > /etc/docker/daemon.json.new <<'JSON'
{
  "live-restore": true,
  "log-driver": "json-file",
  "log-opts": { "max-size": "10m", "max-file": "3" }
}
JSON
  mv /etc/docker/daemon.json.new /etc/docker/daemon.json
fi

if ! command -v dockerd >/dev/null 2>&1; then
  export DEBIAN_FRONTEND=noninteractive
  tries=0
  until apt-get -o DPkg::Lock::Timeout=300 -q update &&
    apt-get -o DPkg::Lock::Timeout=300 -q -y --no-install-recommends install docker.io iptables ca-certificates; do
    tries=$((tries + 1))
    if [ "$tries" -ge 10 ]; then
      say "Docker cannot be installed"
      exit 1
    fi
    sleep 15
  done
fi

for login in ${logins}; do
  if id "$login" >/dev/null 2>&1; then usermod -aG docker "$login"; fi
done

if [ -d /run/systemd/system ]; then
  systemctl stop docker.service docker.socket || say "Docker did not run"
  rm -f /etc/docker/key.json /var/lib/docker/engine-id
  systemctl enable --now docker.service
  systemctl try-reload-or-restart ssh.service || say "sshd takes its settings up at the next boot"
else
  rm -f /etc/docker/key.json /var/lib/docker/engine-id
  if [ -s /var/run/docker.pid ]; then
    engine=$(cat /var/run/docker.pid)
    kill "$engine" || say "Docker did not run"
    while kill -0 "$engine" 2>/dev/null; do sleep 1; done
  fi
fi

tries=0
until [ -S /var/run/docker.sock ] && docker info >/dev/null 2>&1; do
  tries=$((tries + 1))
  if [ "$tries" -ge 120 ]; then
    say "Docker does not answer"
    exit 1
  fi
  sleep 1
done
`;

const ending = `echo "$machine" > "$marker.new"
mv "$marker.new" "$marker"
say "$machine is prepared"
`;
