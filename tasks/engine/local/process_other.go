//go:build !unix

package local

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// Outside Unix there are no process groups: only the shell itself is ended.

func groupAttributes() *syscall.SysProcAttr { return nil }

func awaitLeader(cmd *exec.Cmd) (reap func() error) {
	err := cmd.Wait()
	return func() error { return err }
}

func inspect(pid int) (process, error) {
	if _, err := os.FindProcess(pid); err != nil {
		return process{}, err
	}
	return process{PID: pid, Start: strconv.Itoa(pid)}, nil
}

func terminateGroup(group int) { killGroup(group) }

func killGroup(group int) {
	if p, err := os.FindProcess(group); err == nil {
		_ = p.Kill()
	}
}

func groupLives(int) bool { return false }

func isOurs(process, string) bool { return false }
