# boot.sh ROOT: boots the system in the folder ROOT as process 1 of namespaces of its own.
root=$1 exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup --propagation private -- bash -euc '
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mount -t tmpfs -o mode=755 tmpfs "$root/dev"
  mkdir "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs tmpfs "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  for d in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$root/dev/${d%:*}" c 1 "${d#*:}"; done
  mknod -m 666 "$root/dev/tty" c 5 0
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  hostname callbox-test
  ip link set lo up
  cd "$root"; mkdir -p oldroot; pivot_root . oldroot; umount -l /oldroot; rmdir /oldroot
  mount --make-rshared / # else credentials arrive empty
  exec env -i container=callbox PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --log-target=journal
'
