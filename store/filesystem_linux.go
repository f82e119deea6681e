package store

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// networks are the file systems on which SQLite cannot share memory or trust locks between hosts,
// by their magic numbers.
var networks = map[int64]string{
	unix.NFS_SUPER_MAGIC:   "NFS",
	unix.SMB_SUPER_MAGIC:   "SMB",
	unix.CIFS_SUPER_MAGIC:  "CIFS",
	unix.SMB2_SUPER_MAGIC:  "SMB2",
	unix.CEPH_SUPER_MAGIC:  "Ceph",
	unix.AFS_SUPER_MAGIC:   "AFS",
	unix.AFS_FS_MAGIC:      "AFS",
	unix.CODA_SUPER_MAGIC:  "Coda",
	unix.NCP_SUPER_MAGIC:   "NCP",
	unix.OCFS2_SUPER_MAGIC: "OCFS2",
	unix.V9FS_MAGIC:        "9P",
	0x0BD00BD0:             "Lustre",
	0x47504653:             "GPFS",
}

// remoteFUSE are the FUSE file systems that reach over the network, by their subtype.
var remoteFUSE = []string{"sshfs", "s3fs", "gcsfuse", "rclone", "glusterfs", "ceph", "goofys", "juicefs",
	"davfs2", "smbnetfs", "curlftpfs", "blobfuse", "seaweedfs", "moosefs", "lizardfs"}

// NetworkFileSystem names the network file system that dir is on; empty for a local one.
func NetworkFileSystem(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return ""
	}
	kind := int64(uint32(fs.Type))
	if kind == unix.FUSE_SUPER_MAGIC {
		mounts, err := os.ReadFile("/proc/self/mountinfo")
		if err != nil {
			return ""
		}
		return remoteMount(string(mounts), dir)
	}
	return networks[kind]
}

// remoteMount returns the type of the FUSE mount that dir lies in, if it is remote. mounts has the form of
// proc_pid_mountinfo(5).
func remoteMount(mounts, dir string) string {
	best, kind := "", ""
	for line := range strings.Lines(mounts) {
		before, after, ok := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if !ok || len(fields) < 5 {
			continue
		}
		point := strings.ReplaceAll(fields[4], `\040`, " ")
		rel, err := filepath.Rel(point, dir)
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") || len(point) < len(best) {
			continue
		}
		best, kind = point, strings.Fields(after)[0]
	}
	for _, name := range remoteFUSE {
		if strings.HasPrefix(strings.TrimPrefix(kind, "fuse."), name) {
			return kind
		}
	}
	return ""
}
