package output

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show passes output through as a run does, in pieces of a size.
func show(output string, size int, credentials ...string) []string {
	m := NewMasker(credentials)
	var lines []string
	s := &Splitter{Limit: m.Limit(), Line: func(line []byte, cut bool) { lines = append(lines, m.Line(line, cut)) }}
	for len(output) > 0 {
		n := min(size, len(output))
		_, _ = s.Write([]byte(output[:n]))
		output = output[n:]
	}
	s.Flush()
	return lines
}

func TestOutputIsCutIntoLinesCleanedAndMasked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, output string
		credentials  []string
		want         []string
	}{
		{"lines", "a\n\nb\r\nc\rd", nil, []string{"a", "", "b", "c", "d"}},
		{"terminal escapes", "\x1b[1;31mred\x1b[0m \x1b]0;title\x07\x1b(Bx\x1b=\n", nil, []string{"red x"}},
		{"controls", "a\tb\x00\x07\x7f\u202ec\xff\n", nil, []string{"a\tbc\uFFFD"}},
		{"a credential", "x s3cret y s3crets3cret\n", []string{"s3cret"}, []string{"x *** y ***"}},
		{"a short one", "abc\n", []string{"b"}, []string{"a***c"}},
		{"one inside another", "topsecret top\n", []string{"top", "topsecret"}, []string{"*** ***"}},
		{"two that overlap", "abcd\n", []string{"abc", "bcd"}, []string{"***"}},
		{"one that overlaps itself", "ababa\n", []string{"aba"}, []string{"***"}},
		{"several lines", "-----\nline-one\nab\n line-two\n", []string{"line-one\nab\nline-two\n"}, []string{"-----", "***", "ab", " ***"}},
		{"one line and its end", "s3\n", []string{"s3\n"}, []string{"***"}},
		{"space around it", "[ pass word ] [pass word]\n", []string{" pass word "}, []string{"[***] [***]"}},
		{"colours inside", "s3c\x1b[31mret\x1b[0m\n", []string{"s3cret"}, []string{"***"}},
		{"blank ones", "a b\n", []string{"", " ", "\n"}, []string{"a b"}},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 2, 7, 1 << 20} {
			if diff := cmp.Diff(tt.want, show(tt.output, size, tt.credentials...)); diff != "" {
				t.Errorf("%s, in pieces of %d (-want +got):\n%s", tt.name, size, diff)
			}
		}
	}
}

func TestALongLineNeverEndsInsideACredential(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-that-is-long"
	for offset := -2 * len(secret); offset <= 2*len(secret); offset++ {
		line := strings.Repeat("x", MaxLine+offset) + secret + strings.Repeat("y", 100) + "\nnext\n"
		lines := show(line, 4096, secret)
		if len(lines) != 2 || lines[1] != "next" || len(lines[0]) > MaxLine+2*len(secret)+110 {
			t.Fatalf("offset %d: %d lines", offset, len(lines))
		}
		if strings.Contains(lines[0], "s3") {
			t.Errorf("offset %d: the line ends with %q", offset, lines[0][len(lines[0])-40:])
		}
	}
}

func FuzzMaskedOutput(f *testing.F) {
	f.Add("abc s3cret\x1b[0m\r\n", "s3cret", 3)
	f.Fuzz(func(t *testing.T, output, secret string, size int) {
		if size < 1 || strings.TrimSpace(secret) == "" || secret != Clean(secret) || strings.Contains("*** …", secret) {
			return
		}
		for _, line := range show(output, size, secret) {
			if strings.Contains(strings.ReplaceAll(line, "***", "\x00"), secret) {
				t.Errorf("%q is in %q", secret, line)
			}
		}
	})
}

func TestACredentialThatWasCutOffIsHidden(t *testing.T) {
	t.Parallel()
	m := NewMasker([]string{"s3cret-that-is-long"})
	for text, want := range map[string]string{
		"said: s3cret-tha…": "said: ***…", "said: s3c…": "said: s3c…", "said: s3cret-tha": "said: s3cret-tha", "s3cret-that-is-long…": "***…",
	} {
		if got := m.Mask(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
