//go:build !linux

package processtest

import "syscall"

// attributes are the default: Ctrl-C in the terminal ends starter and process.
func attributes() *syscall.SysProcAttr { return nil }
