package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// groupAttributes put a new process into a group of its own and have the kernel kill
// it when the thread that started it ends, which is why that thread is locked.
func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitLeader waits until a process has ended and returns the function that reaps
// it. Until it is called the number of the process, and of its group, stays taken.
func awaitLeader(cmd *exec.Cmd) (reap func() error) {
	const byPID = 1 // P_PID of waitid(2)
	for {
		_, _, err := syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(cmd.Process.Pid), 0,
			syscall.WEXITED|syscall.WNOWAIT, 0, 0)
		if err != syscall.EINTR {
			return cmd.Wait
		}
	}
}

// inspect identifies a process.
func inspect(pid int) (process, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return process{}, err
	}
	s, err := readStat(pid)
	if err != nil {
		return process{}, err
	}
	return process{PID: pid, Start: s.start, Boot: strings.TrimSpace(string(boot))}, nil
}

// stat is what is needed of /proc/PID/stat.
type stat struct {
	state string
	group int
	start string
}

func readStat(pid int) (stat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	// The name of the program stands in brackets and may hold anything.
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	const state, group, start = 0, 2, 19
	if len(fields) <= start {
		return stat{}, errors.New("short stat of process")
	}
	pgrp, err := strconv.Atoi(fields[group])
	if err != nil {
		return stat{}, fmt.Errorf("read group of process: %w", err)
	}
	return stat{state: fields[state], group: pgrp, start: fields[start]}, nil
}

// groupMembers returns the living processes of a group.
func groupMembers(group int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var members []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if s, err := readStat(pid); err == nil && s.group == group && s.state != "Z" && s.state != "X" {
			members = append(members, pid)
		}
	}
	return members
}

// groupLives tells whether a group has living processes.
func groupLives(group int) bool { return len(groupMembers(group)) > 0 }

// isOurs tells whether the group that a process led is still that process's: it leads
// it itself, or a member carries the run's mark in its environment. A number that was
// used again for something else is neither.
func isOurs(leader process, mark string) bool {
	self, err := inspect(os.Getpid())
	if err != nil || self.Boot != leader.Boot {
		return false
	}
	if now, err := inspect(leader.PID); err == nil {
		return now == leader
	}
	for _, pid := range groupMembers(leader.PID) {
		environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00SLIPWAY_RUN_MARK="+mark+"\x00")) {
			return true
		}
	}
	return false
}
