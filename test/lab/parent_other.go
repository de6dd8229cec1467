//go:build !linux

package lab

import "syscall"

// endWithParent returns nil: only Linux kills a process whose parent dies.
func endWithParent() *syscall.SysProcAttr { return nil }
