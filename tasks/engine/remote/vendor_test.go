package remote

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"

	"slipway"
)

var (
	errLost    = errors.New("answer lost at own-secret?t=own%2Dsecret")
	errDial    = &net.OpError{Op: "dial", Err: errors.New("connection refused for own-secret")}
	errRefused = errors.New("409 own-secret is taken")
)

// vendor refuses what is errRefused.
func vendor() *Vendor {
	return &Vendor{
		Name: "GitLab", Host: "gitlab.example", Own: func() []string { return []string{"own-secret", ""} },
		Refusal: func(err error) *slipway.Error {
			if errors.Is(err, errRefused) {
				return slipway.Refuse(slipway.Conflict, "“run-secret+1” is taken.", "“run-secret+1”已被占用。")
			}
			return nil
		},
	}
}

func TestErrorsOfRequestsSayWhetherAnythingHappened(t *testing.T) {
	t.Parallel()
	before := slipway.Refuse(slipway.Invalid, "No.", "不行。")
	for _, tt := range []struct {
		err             error
		reading, acting slipway.Code
	}{
		{errRefused, slipway.Conflict, slipway.Conflict},
		{errDial, slipway.Unavailable, slipway.Unavailable},
		{errLost, slipway.Unavailable, slipway.Internal},
		{before, slipway.Invalid, slipway.Invalid},
	} {
		v := vendor()
		reading, acting := v.Reading(t.Context(), tt.err), v.Acting(t.Context(), tt.err)
		if slipway.CodeOf(reading) != tt.reading || slipway.CodeOf(acting) != tt.acting {
			t.Errorf("%v: reading %v, acting %v", tt.err, reading, acting)
		}
		for _, err := range []error{reading, acting} {
			if strings.Contains(err.Error(), "own-secret") {
				t.Errorf("it shows our own credentials: %v", err)
			}
		}
	}
	left, leave := context.WithCancel(t.Context())
	leave()
	if err := vendor().Reading(left, errRefused); !errors.Is(err, context.Canceled) {
		t.Errorf("after its caller left: %v", err)
	}
}

func TestErrorsOfAStartShowNoCredentialsOfTheRun(t *testing.T) {
	t.Parallel()
	v, secrets := vendor(), []string{"run-secret+1", `a"quote`}
	err := v.Starting(t.Context(), "create pipeline", errRefused, secrets)
	if text := slipway.TextOf(err); slipway.CodeOf(err) != slipway.Conflict || text.EN != "“***” is taken." || text.ZH != "“***”已被占用。" {
		t.Errorf("refused: %v, %+v", err, text)
	}
	lost := errors.New(`answer to v=run-secret%2B1 lost: {"v": "a\"quote"}`)
	if err = v.Starting(t.Context(), "create pipeline", lost, secrets); err.Error() != `create pipeline: answer to v=*** lost: {"v": "***"}` {
		t.Errorf("in doubt: %v", err)
	}
}

func TestVendorsRefuseInTheSameWords(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]slipway.Code{
		404: slipway.NotFound, 429: slipway.TooMany, 400: slipway.Conflict, 422: slipway.Conflict, 200: "", 302: "", 500: "",
	} {
		got := slipway.Code("")
		if refusal := vendor().Usual(status, "no such branch"); refusal != nil {
			got = refusal.Code
		}
		if got != want {
			t.Errorf("%d is %q, want %q", status, got, want)
		}
	}
}

func TestAnAddressIsOneOfTheWebAndHoldsNoPassword(t *testing.T) {
	t.Parallel()
	for given, ok := range map[string]bool{
		"https://ci.example/jenkins": true, "http://127.0.0.1:8080": true, "": false, "ci.example": false, "ftp://ci.example": false,
		"https://u:hunter2@ci.example": false, "https://ci.example?token=hunter2": false, "https://ci.example/#hunter2": false, "https://[::1": false,
	} {
		u, err := Address("Jenkins", given)
		if ok != (err == nil) || (err != nil && strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: %v, %v", given, u, err)
		}
		if want, _ := url.Parse(given); ok && *u != *want {
			t.Errorf("%q is read as %v", given, u)
		}
	}
}

func TestANoticeNeedsTheTokenThatIsSet(t *testing.T) {
	t.Parallel()
	if !SameToken("t", "t") || SameToken("t", "") || SameToken("t", "T") || SameToken("", "") {
		t.Error("another token is the same")
	}
}

func TestALineStandsInPlaceOfALogOfWhichNothingWasShown(t *testing.T) {
	t.Parallel()
	shown := 0
	if lines := Instead(&shown, 5, "one", "It was erased."); len(lines) != 1 || lines[0].Text != "It was erased." || lines[0].At != 5 {
		t.Errorf("%+v", lines)
	}
	if lines := Instead(&shown, 5, "one", "It was erased."); lines != nil || shown != 1 {
		t.Errorf("once more: %+v", lines)
	}
}
