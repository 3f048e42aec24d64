//go:build unix && !linux

package local

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

func groupAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func awaitLeader(cmd *exec.Cmd) (reap func() error) {
	err := cmd.Wait()
	return func() error { return err }
}

// inspect identifies a process by the second in which it started.
func inspect(pid int) (process, error) {
	cmd := exec.CommandContext(context.Background(), "ps", "-o", "lstart=", "-p", strconv.Itoa(pid))
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC", "PATH=/bin:/usr/bin"}
	out, err := cmd.Output()
	if err != nil {
		return process{}, fmt.Errorf("inspect process %d: %w", pid, err)
	}
	return process{PID: pid, Start: strings.TrimSpace(string(out))}, nil
}

func groupLives(group int) bool { return syscall.Kill(-group, 0) == nil }

// isOurs tells whether a process still leads its group. When it has ended, nothing
// tells its group from another one with the same number.
func isOurs(leader process, _ string) bool { return leader.alive() }
