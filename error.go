package slipway

import (
	"errors"
	"strings"
)

// Code classes an error for the edges: webhook turns it into an HTTP status, bot
// into a card, tasks into retry or give up.
type Code string

// The codes. Anything that is not an *Error counts as Internal.
const (
	Invalid         Code = "invalid"         // the input is wrong; Problems may list every fault
	Unauthenticated Code = "unauthenticated" // who is asking is not known
	Forbidden       Code = "forbidden"       // known, but may not
	NotFound        Code = "not_found"       // no such plan, item, user, ...
	Conflict        Code = "conflict"        // not possible in the present state
	Stale           Code = "stale"           // made against an older version of the plan
	Unfit           Code = "unfit"           // well-formed, but the plan cannot go on with it
	TooLarge        Code = "too_large"       // more than the limit
	TooMany         Code = "too_many"        // asked too often
	Unavailable     Code = "unavailable"     // an outside part is down; worth trying again
	Internal        Code = "internal"        // a fault of Slipway
)

// Problem is one fault of an input, with its place, for example "jobs[1].spec.engine".
type Problem struct {
	Path string `json:"path"`
	Text Text   `json:"-"`
}

// Error is an error with two texts: Text is for the person and says the way out; Err
// is the cause, for the log, and may be nil.
type Error struct {
	Code     Code
	Text     Text
	Problems []Problem
	Err      error
}

// Refuse makes an error for a person from an English and a Chinese format that take
// the same arguments.
func Refuse(code Code, en, zh string, args ...any) *Error {
	return &Error{Code: code, Text: T(en, zh, args...)}
}

// Error implements error with the English text and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Text.EN)
	for _, p := range e.Problems {
		b.WriteString("; " + p.Path + ": " + p.Text.EN)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Because returns the error with a cause for the log.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// CodeOf returns the code of an error, Internal for one that is not for a person,
// and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// TextOf returns what to tell a person about an error. A fault that is not for
// people is hidden behind one sentence.
func TextOf(err error) Text {
	var e *Error
	if errors.As(err, &e) {
		return e.Text
	}
	return T("Something went wrong on our side. Please try again; if it stays, tell the operators.",
		"我们这边出错了，请重试；如果仍然不行，请联系运维人员。")
}

// ProblemsOf returns the faults listed in an error.
func ProblemsOf(err error) []Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problems
	}
	return nil
}

// Faults gathers the problems of one input.
type Faults struct{ list []Problem }

// Add notes a fault at a path; both formats take the same arguments.
func (f *Faults) Add(path, en, zh string, args ...any) {
	f.list = append(f.list, Problem{Path: path, Text: T(en, zh, args...)})
}

// Append adds problems found elsewhere.
func (f *Faults) Append(problems ...Problem) { f.list = append(f.list, problems...) }

// Len returns how many faults were noted.
func (f *Faults) Len() int { return len(f.list) }

// Err returns nil when nothing was noted, else an Invalid error that lists all.
func (f *Faults) Err(en, zh string, args ...any) error {
	if len(f.list) == 0 {
		return nil
	}
	return &Error{Code: Invalid, Text: T(en, zh, args...), Problems: f.list}
}
