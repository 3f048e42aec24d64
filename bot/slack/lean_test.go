package slack

import "testing"

func TestAnswersComeWithoutTheirMessage(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"ok":true,"ts":"1.2","channel":"C1","message":{"blocks":[{"type":"divider"}]}}`: `{"channel":"C1","ok":true,"ts":"1.2"}`,
		`{"ok":false,"error":"msg_too_long"}`:                                             `{"ok":false,"error":"msg_too_long"}`,
		`<html>`:                                                                          `<html>`,
		`[1]`:                                                                             `[1]`,
	} {
		if got := string(withoutMessage([]byte(body))); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
