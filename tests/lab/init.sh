# Process 1 of a lab machine. /host is the run's own folder: runs /host/command, leaves its exit code in /host/code, powers off.
# Given by the kernel's command line: INIT=systemd boots systemd first; REPO=folder appears read-only at /repo.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t sysfs sys /sys
mount -t configfs config /sys/kernel/config
mount -t tracefs trace /sys/kernel/tracing
mount -t tmpfs -o mode=755 run /run
mkdir -p /dev/shm /repo
mount -t hostfs -o "$REPO,ro" repo /repo
ip link set lo up
hostname gw

# The product runs from /repo and asks the installed distribution for its version.
version=$(sed -n 's/^version = //p' /repo/setup.cfg)
for packages in /usr/local/lib/python3.*/dist-packages; do
    mkdir "$packages/kentongan_edge-$version.dist-info"
    printf 'Metadata-Version: 2.1\nName: kentongan-edge\nVersion: %s\n' "$version" \
        >"$packages/kentongan_edge-$version.dist-info/METADATA"
done

# One chip with the 54 lines and the label of a Pi 4; every line hangs free until something pulls it.
chip=/sys/kernel/config/gpio-sim/pi
mkdir $chip $chip/bank
echo 54 >$chip/bank/num_lines
echo pinctrl-bcm2711 >$chip/bank/label
echo 1 >$chip/live
# gpiozero takes the names of the lines from the board's revision: a Pi 4B, 2 GB
{ cat /proc/cpuinfo; echo 'Revision : b03114'; } >/run/cpuinfo
mount --bind /run/cpuinfo /proc/cpuinfo

if [ "$INIT" = systemd ]; then
    units=/run/systemd/system
    mkdir -p $units/multi-user.target.wants
    cat >$units/lab-command.service <<'UNIT'
[Unit]
After=basic.target dbus.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=infinity
StandardOutput=tty
StandardError=tty
TTYPath=/dev/tty0
ExecStart=/bin/sh /host/command
ExecStopPost=/bin/sh -c 'echo $EXIT_STATUS >/host/code; sync'
UNIT
    ln -s ../lab-command.service $units/multi-user.target.wants/
    exec /lib/systemd/systemd
fi

mount -t tmpfs shm /dev/shm
sh /host/command
echo $? >/host/code
sync
echo o >/proc/sysrq-trigger
sleep 9
