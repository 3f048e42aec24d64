package bot

import (
	"strings"
	"testing"

	"slipway"
)

// text is what the lines say, without their times.
func text(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		for _, s := range l {
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestACardTellsOfAdviceAndOfHalfAnOverride(t *testing.T) {
	t.Parallel()
	p := &slipway.Plan{
		Advice: []slipway.Advice{
			{Event: slipway.EventStartExecute, Wait: slipway.Wait{Endpoint: "risk", State: slipway.GateOpen, Progress: "1 of 3"}},
			{Event: slipway.EventStartExecute, Wait: slipway.Wait{Endpoint: "cost", State: slipway.GatePassed}},
			{Event: slipway.EventStartExecute, Wait: slipway.Wait{Endpoint: "law", State: slipway.GateFailed, Reason: slipway.T("not on a Friday", "周五不行")}},
		},
		Gate: &slipway.Gate{Event: slipway.EventStartExecute, Overrides: []slipway.Overriding{{By: "Root", Reason: "by phone"}}},
	}
	for lang, want := range map[slipway.Lang]string{
		slipway.English: `💬 risk is asked for advice (check before executing), nothing waits for it · 
↳ risk reports  · 1 of 3
👍 cost advises to go on (check before executing) · 
👎 No advice to go on from law (check before executing) ·  · not on a Friday
⚠️ Root wants to override the check; another admin has to agree ·  · by phone
`,
		slipway.Chinese: `💬 已征求 risk 的意见（执行前检测），不影响发布 · 
↳ risk 的进展  · 1 of 3
👍 cost 建议继续（执行前检测） · 
👎 law 未建议继续（执行前检测） ·  · 周五不行
⚠️ Root 申请放行该检测，还需要其他管理员同意 ·  · by phone
`,
	} {
		v := View{Lang: lang}
		if got := text(append(v.adviceLines(p), v.halfOverridden(p)...)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
}
