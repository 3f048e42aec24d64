package slipway

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a plan's labels. Labels sort plans for outside systems: an endpoint may
// hear of those with a certain label only.
const (
	MaxLabels = 20
	MaxLabel  = 50 // characters
)

func (d *Draft) checkLabels(f *Faults) {
	if len(d.Labels) > MaxLabels {
		f.Add("labels", "at most %d labels are possible", "最多 %d 个标签", MaxLabels)
	}
	for i, label := range d.Labels {
		at := fmt.Sprintf("labels[%d]", i)
		switch {
		case strings.TrimSpace(label) != label || label == "" || Unprintable(label) || strings.ContainsAny(label, ",，\n\r\t"):
			f.Add(at, "a label is a word or a few, without a comma", "标签应为一个或几个词，不能包含逗号")
		case utf8.RuneCountInString(label) > MaxLabel:
			f.Add(at, "a label has at most %d characters", "标签最多 %d 个字符", MaxLabel)
		case slices.Index(d.Labels, label) != i:
			f.Add(at, "%q is there twice", "标签 %q 重复了", label)
		}
	}
}
