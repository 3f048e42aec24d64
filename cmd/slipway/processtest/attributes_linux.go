package processtest

import "syscall"

// attributes have the kernel kill the process when its starter ends, and keep a Ctrl-C
// in the terminal from it: its starter tells it when to go.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
