package output

import (
	"fmt"
	"slices"
	"strings"
)

// Terminal cuts what a program wrote to a terminal into lines that are fit to be shown;
// where the cursor went back, what is seen last counts. Unless whole is set, more may
// come, and the last line, which may not be complete yet, is left out. edit is asked
// about each line before it is cleaned, and may drop it; nil keeps all.
func Terminal(text string, whole bool, m *Masker, edit func(line string) (string, bool)) []string {
	raw := strings.Split(text, "\n")
	if last := len(raw) - 1; !whole || raw[last] == "" {
		raw = raw[:last]
	}
	lines := make([]string, 0, len(raw))
	for _, line := range raw {
		if edit != nil {
			edited, keep := edit(line)
			if !keep {
				continue
			}
			line = edited
		}
		shown := m.Mask(Clean(overwritten(line)))
		if len(shown) > MaxLine {
			shown = strings.ToValidUTF8(shown[:MaxLine], "") + " …"
		}
		lines = append(lines, shown)
	}
	return lines
}

// overwritten is what a terminal shows of a line in which the cursor went back.
func overwritten(line string) string {
	parts := strings.Split(line, "\r")
	for _, part := range slices.Backward(parts) {
		if strings.TrimSpace(escapes.ReplaceAllString(part, "")) != "" {
			return part
		}
	}
	return parts[0]
}

// The lines of one job's log that are shown: the first ones as they come; of more, the
// last ones when it is over.
const (
	FirstLines = 5000
	LastLines  = 200
)

// Excerpt picks the lines of a job's log that are new: all is the log so far, shown how
// many of its lines were handed out before, over whether it will grow no more. It
// returns the new lines, and how many are shown then.
func Excerpt(all []string, shown int, over bool) (fresh []string, now int) {
	if !over || len(all) <= FirstLines+LastLines {
		to := len(all)
		if !over {
			to = min(to, FirstLines)
		}
		if to <= shown {
			return nil, shown
		}
		return all[shown:to], to
	}
	if shown < FirstLines {
		fresh = slices.Clone(all[shown:FirstLines])
	}
	fresh = append(fresh, fmt.Sprintf("… %[1]d lines left out / 省略 %[1]d 行 …", len(all)-FirstLines-LastLines))
	return append(fresh, all[len(all)-LastLines:]...), FirstLines
}
