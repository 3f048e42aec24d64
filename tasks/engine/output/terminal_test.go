package output

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATerminalShowsWhatWasWrittenLast(t *testing.T) {
	t.Parallel()
	m := NewMasker([]string{"s3cret", "first line\nsecond line"})
	for _, tt := range []struct {
		name, text string
		whole      bool
		want       []string
	}{
		{"nothing", "", true, []string{}},
		{"nothing yet", "", false, []string{}},
		{"lines", "a\n\nb\n", true, []string{"a", "", "b"}},
		{"lines with returns", "a\r\nb\r\n", true, []string{"a", "b"}},
		{"a line that has not ended", "a\nb", false, []string{"a"}},
		{"a line that never ends", "a\nb", true, []string{"a", "b"}},
		{"a bar that grows", "10%\r50%\r100%\n", true, []string{"100%"}},
		{"a bar that is wiped out", "100%\r\x1b[2K\r\n", true, []string{"100%"}},
		{"nothing but returns", "\r\r\n", true, []string{""}},
		{"colours and controls", "\x1b[31mred\x1b[0m \x07\u202ebell\n", true, []string{"red bell"}},
		{"credentials", "s3cret and s3c\x1b[1mret\nsecond line\n", true, []string{"*** and ***", "***"}},
		{"bytes that are no text", "a\xffb\n", true, []string{"a\uFFFDb"}},
	} {
		if diff := cmp.Diff(tt.want, Terminal(tt.text, tt.whole, m, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestALineMayBeDroppedOrChangedBeforeItIsShown(t *testing.T) {
	t.Parallel()
	got := Terminal("mark:a\nb\nmark:s3cret\n", true, NewMasker([]string{"s3cret"}), func(line string) (string, bool) {
		rest, marked := strings.CutPrefix(line, "mark:")
		return rest, marked
	})
	if diff := cmp.Diff([]string{"a", "***"}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestALongLineOfATerminalIsCut(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("好", MaxLine) + "s3cret"
	got := Terminal(line+"\nnext\n", true, NewMasker([]string{"s3cret"}), nil)
	if len(got) != 2 || got[1] != "next" || len(got[0]) > MaxLine+10 || !strings.HasSuffix(got[0], "好 …") {
		t.Errorf("%d lines, the first of %d bytes", len(got), len(got[0]))
	}
}

// numbered returns the lines 1 to n.
func numbered(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i+1))
	}
	return all
}

// shown plays a log that grows to some sizes and is over then.
func shown(sizes ...int) []string {
	var lines, fresh []string
	now := 0
	for i, size := range sizes {
		fresh, now = Excerpt(numbered(size), now, i == len(sizes)-1)
		lines = append(lines, fresh...)
	}
	return lines
}

func TestOfALongLogTheBeginningAndTheEndAreShown(t *testing.T) {
	t.Parallel()
	const all = FirstLines + LastLines
	cut := slices.Concat(numbered(FirstLines), []string{"… 300 lines left out / 省略 300 行 …"}, numbered(all + 300)[FirstLines+300:])
	for _, tt := range []struct {
		name  string
		sizes []int
		want  []string
	}{
		{"nothing", []int{0, 0}, nil},
		{"at once", []int{3}, numbered(3)},
		{"as it comes", []int{1, 1, 3, 4}, numbered(4)},
		{"as many as are shown", []int{FirstLines, all}, numbered(all)},
		{"more", []int{all + 300}, cut},
		{"more, as it comes", []int{10, FirstLines - 1, FirstLines + 5, all + 1, all + 300}, cut},
	} {
		if diff := cmp.Diff(tt.want, shown(tt.sizes...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	while, now := Excerpt(numbered(all+300), FirstLines, false)
	if while != nil || now != FirstLines {
		t.Errorf("while it grows, %d lines follow the first %d", len(while), FirstLines)
	}
}
