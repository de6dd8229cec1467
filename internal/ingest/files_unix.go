//go:build unix

package ingest

import "syscall"

// fileLimit returns the number of files that the process may have open.
func fileLimit() (files uint64, known bool) {
	var limit syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	return uint64(limit.Cur), err == nil //nolint:unconvert // signed on FreeBSD
}
