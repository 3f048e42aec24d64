package local

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

// maxLine is the longest line that is kept, in bytes. The rest of it is dropped.
const maxLine = 8 << 10

// splitter cuts output into lines, at line feeds and carriage returns. Of a line it
// hands on what fits the limit and says whether there was more.
type splitter struct {
	limit  int
	line   func(line []byte, cut bool)
	buf    []byte
	cut    bool
	wasCR  bool
	inLine bool
}

// Write implements io.Writer; it never fails.
func (s *splitter) Write(p []byte) (int, error) {
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
		s.flush()
	}
	return n, nil
}

func (s *splitter) add(p []byte) {
	if len(p) == 0 {
		return
	}
	s.inLine = true
	if room := s.limit - len(s.buf); len(p) > room {
		p = p[:max(room, 0)]
		s.cut = true
	}
	s.buf = append(s.buf, p...)
}

// flush hands on the line that has begun, if one has.
func (s *splitter) flush() {
	if s.inLine {
		s.line(s.buf, s.cut)
	}
	s.buf, s.cut, s.inLine = s.buf[:0], false, false
}

var escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])`)

// clean makes a line fit to be shown: no terminal escapes, no control characters but
// the tab, nothing that turns the direction of text around, no invalid UTF-8.
func clean(line string) string {
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

// masker hides credentials in lines.
type masker struct {
	secrets []string
	longest int
}

// newMasker knows each credential as it is, without the space around it, and, if it
// has several lines, by each line: output is seen one line at a time. Lines of fewer
// than four characters say nothing and are left, unless nothing else is there.
func newMasker(credentials []string) *masker {
	m := &masker{}
	for _, credential := range credentials {
		pieces := strings.FieldsFunc(credential, func(c rune) bool { return c == '\n' || c == '\r' })
		for _, piece := range pieces {
			piece = clean(piece)
			if len(pieces) == 1 {
				m.add(piece)
			}
			if trimmed := strings.TrimSpace(piece); utf8.RuneCountInString(trimmed) > 3 {
				m.add(trimmed)
			}
		}
	}
	return m
}

func (m *masker) add(secret string) {
	if strings.TrimSpace(secret) == "" || slices.Contains(m.secrets, secret) {
		return
	}
	m.secrets = append(m.secrets, secret)
	m.longest = max(m.longest, len(secret))
}

// mask replaces every stretch of text that is covered by credentials, which may
// overlap.
func (m *masker) mask(text string) string {
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

// limit is how much of a line must be read so that a credential that crosses maxLine
// is still recognised.
func (m *masker) limit() int { return maxLine + m.longest }

// line makes a line of output fit to be shown. Of a line that was cut, the end is
// dropped as far as it may hold the beginning of a credential.
func (m *masker) line(raw []byte, cut bool) string {
	text := m.mask(clean(string(raw)))
	if !cut {
		return text
	}
	keep := min(maxLine, max(0, len(text)-m.longest))
	return strings.ToValidUTF8(text[:keep], "") + " …"
}
