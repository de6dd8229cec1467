package lab

import "syscall"

// endWithParent makes the kernel kill the process when the test dies: a killed test leaves no
// processes behind.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
