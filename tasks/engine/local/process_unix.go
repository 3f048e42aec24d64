//go:build unix

package local

import "syscall"

// terminateGroup asks all processes of a group to end.
func terminateGroup(group int) { _ = syscall.Kill(-group, syscall.SIGTERM) }

// killGroup ends all processes of a group.
func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }
