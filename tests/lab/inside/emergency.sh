# Boot a second systemd inside the machine, with a disk in fstab that is not there: the boot ends in emergency mode.
# $1: the alarm unit's DefaultDependencies=, "no" as it is, "yes" to see what they would do
python3 -c 'import tests.lab.inside.units as units; units.install_for_next_boot()' || exit 1
units=/etc/systemd/system
sed -i "s/^DefaultDependencies=.*/DefaultDependencies=$1/" $units/kentongan-alarm.service
mkdir -p $units/multi-user.target.wants $units/kentongan.target.wants /data
ln -s ../kentongan.target $units/multi-user.target.wants/
ln -s ../kentongan-alarm.service $units/kentongan.target.wants/
echo '/dev/nonexistent /data ext4 defaults,x-systemd.device-timeout=2s 0 2' >>/etc/fstab

mount -t cgroup2 cgroup /sys/fs/cgroup
mkdir /sys/fs/cgroup/inner
export container=lab
inner="/lib/systemd/systemd --log-target=console"
(
    echo 0 >/sys/fs/cgroup/inner/cgroup.procs
    exec unshare -p -m -C -f --kill-child --mount-proc \
        sh -c "mount --bind /run/cpuinfo /proc/cpuinfo; exec $inner" >/run/inner.log 2>&1
) &
inside() { nsenter -t "$(pgrep -f -x "$inner" | tail -1)" -p -m -C "$@"; }
for _ in $(seq 60); do
    [ "$(inside systemctl is-system-running 2>/dev/null)" = maintenance ] && break
    sleep 0.5
done
sleep 3 # what could still start has started
emergency=$(inside systemctl is-active emergency.target)
alarm=$(inside systemctl is-active kentongan-alarm)
echo "{\"emergency\": \"$emergency\", \"alarm\": \"$alarm\"}"
