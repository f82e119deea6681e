package store

import "testing"

// A database on a network file system is refused where the system says that it is one.
func TestFault52NetworkFileSystems(t *testing.T) {
	const mounts = `22 1 0:20 / / rw - ext4 /dev/sda1 rw
30 22 0:31 / /mnt/far rw - fuse.sshfs host:/data rw
31 30 0:32 / /mnt/far/near rw - fuse.bindfs /data rw
32 22 0:33 / /mnt/with\040blank rw - fuse.rclone remote: rw
`
	for dir, want := range map[string]string{
		"/home/ann": "", "/mnt/far": "fuse.sshfs", "/mnt/far/deep/er": "fuse.sshfs", "/mnt/far/near": "", "/mnt/with blank/x": "fuse.rclone", "/mnt/farther": "",
	} {
		if got := remoteMount(mounts, dir); got != want {
			t.Errorf("%s is on %q, want %q", dir, got, want)
		}
	}
	for magic, want := range map[int64]string{0x6969: "NFS", 0xff534d42: "CIFS", 0xfe534d42: "SMB2", 0x517b: "SMB", 0xef53: ""} {
		if got := networks[magic]; got != want {
			t.Errorf("the file system %#x is %q, want %q", magic, got, want)
		}
	}
	if name := NetworkFileSystem(t.TempDir()); name != "" {
		t.Errorf("the temporary directory is said to be on %s", name)
	}
}
