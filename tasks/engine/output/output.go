// Package output makes the output of workflows fit to be shown: cut into lines, without
// terminal escapes and control characters, with credentials masked.
package output

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"slipway"
)

// MaxLine is the longest line that is kept, in bytes. The rest of it is dropped.
const MaxLine = 8 << 10

// Splitter cuts output into lines, at line feeds and carriage returns. Of a line it
// hands on what fits the limit and says whether there was more.
type Splitter struct {
	Limit int                         // bytes of a line that are kept
	Line  func(line []byte, cut bool) // takes a line; it must not keep it

	buf    []byte
	cut    bool
	wasCR  bool
	inLine bool
}

// Write implements io.Writer; it never fails.
func (s *Splitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if s.wasCR && p[0] == '\n' {
			s.wasCR = false
			p = p[1:]
			continue
		}
		s.wasCR = false
		end := bytes.IndexAny(p, "\r\n")
		if end < 0 {
			s.add(p)
			break
		}
		s.add(p[:end])
		s.inLine = true
		s.wasCR = p[end] == '\r'
		p = p[end+1:]
		s.Flush()
	}
	return n, nil
}

func (s *Splitter) add(p []byte) {
	if len(p) == 0 {
		return
	}
	s.inLine = true
	if room := s.Limit - len(s.buf); len(p) > room {
		p = p[:max(room, 0)]
		s.cut = true
	}
	s.buf = append(s.buf, p...)
}

// Flush hands on the line that has begun, if one has.
func (s *Splitter) Flush() {
	if s.inLine {
		s.Line(s.buf, s.cut)
	}
	s.buf, s.cut, s.inLine = s.buf[:0], false, false
}

var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])`)

// Clean makes a line fit to be shown: no terminal escapes, no control characters but
// the tab, nothing that turns the direction of text around, no invalid UTF-8.
func Clean(line string) string {
	if strings.IndexByte(line, 0x1b) >= 0 {
		line = escapes.ReplaceAllString(line, "")
	}
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return c
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(line, string(utf8.RuneError)))
}

// maxShort is how long a Short text is, in characters.
const maxShort = 300

// Short makes one short line of what a vendor says.
func Short(text string) string {
	text = strings.Join(strings.Fields(Clean(strings.NewReplacer("\r", " ", "\n", " ").Replace(text))), " ")
	if r := []rune(text); len(r) > maxShort {
		return string(r[:maxShort]) + "…"
	}
	return text
}

// Masker hides credentials in lines.
type Masker struct {
	secrets []string
	longest int
}

// NewMasker knows each credential as it is, without the space around it, and, if it
// has several lines, by each line: output is seen one line at a time. Lines of fewer
// than four characters say nothing and are left, unless nothing else is there. It knows
// them as they are written in JSON and in addresses, too: servers repeat requests.
func NewMasker(credentials []string) *Masker {
	m := &Masker{}
	for _, credential := range credentials {
		pieces := strings.FieldsFunc(credential, func(c rune) bool { return c == '\n' || c == '\r' })
		for _, piece := range pieces {
			piece = Clean(piece)
			if len(pieces) == 1 {
				m.add(piece)
			}
			if trimmed := strings.TrimSpace(piece); utf8.RuneCountInString(trimmed) > 3 {
				for _, spelling := range slipway.Spellings(trimmed) {
					m.add(spelling)
				}
			}
		}
	}
	return m
}

func (m *Masker) add(secret string) {
	if strings.TrimSpace(secret) == "" || slices.Contains(m.secrets, secret) {
		return
	}
	m.secrets = append(m.secrets, secret)
	m.longest = max(m.longest, len(secret))
}

// Mask replaces every stretch of text that is covered by credentials, which may
// overlap.
func (m *Masker) Mask(text string) string {
	text = m.maskCut(text)
	var covered [][2]int
	for _, secret := range m.secrets {
		for from := 0; from < len(text); {
			i := strings.Index(text[from:], secret)
			if i < 0 {
				break
			}
			covered = append(covered, [2]int{from + i, from + i + len(secret)})
			from += i + 1
		}
	}
	if len(covered) == 0 {
		return text
	}
	slices.SortFunc(covered, func(a, b [2]int) int { return cmp.Compare(a[0], b[0]) })
	var out strings.Builder
	end := 0
	for _, c := range covered {
		if c[0] > end || end == 0 {
			out.WriteString(text[end:c[0]])
			out.WriteString(slipway.Mask)
		}
		end = max(end, c[1])
	}
	out.WriteString(text[end:])
	return out.String()
}

// maskCut hides the beginning of a credential at the end of a text that was cut short.
func (m *Masker) maskCut(text string) string {
	const least = 4 // fewer characters say nothing
	cut, short := strings.CutSuffix(text, "…")
	if !short {
		return text
	}
	for _, secret := range m.secrets {
		for n := min(len(secret)-1, len(cut)); n >= least; n-- {
			if strings.HasSuffix(cut, secret[:n]) {
				return cut[:len(cut)-n] + slipway.Mask + "…"
			}
		}
	}
	return text
}

// Limit is how much of a line must be read so that a credential that crosses MaxLine
// is still recognised.
func (m *Masker) Limit() int { return MaxLine + m.longest }

// Line makes a line of output fit to be shown. Of a line that was cut, the end is
// dropped as far as it may hold the beginning of a credential.
func (m *Masker) Line(raw []byte, cut bool) string {
	text := m.Mask(Clean(string(raw)))
	if !cut {
		return text
	}
	keep := min(MaxLine, max(0, len(text)-m.longest))
	return strings.ToValidUTF8(text[:keep], "") + " …"
}
