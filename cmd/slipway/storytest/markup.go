package storytest

import (
	"encoding/json"
	"strings"

	"slipway/bot"
	"slipway/bot/screen"
)

// judgeRaw looks for markup in what the bot sent to the platform: in the strings that
// the platform formats, whatever people wrote must not be able to.
func (w *World) judgeRaw(m screen.Message) {
	w.t.Helper()
	var sent any
	if len(m.Raw) == 0 {
		return
	}
	if err := json.Unmarshal(m.Raw, &sent); err != nil {
		w.t.Errorf("what the bot sent cannot be read: %v", err)
	}
	for _, text := range formatted(w.Platform, sent) {
		for _, mark := range marks[w.Platform] {
			if strings.Contains(text, mark) {
				w.t.Errorf("the bot sent %q in:\n%s", mark, text)
			}
		}
	}
}

// marks are what would mention or lead away, as each platform writes it.
var marks = map[bot.PlatformID][]string{
	bot.Slack:  {"<!channel", "<!here", "<!everyone", "<@U1", "<http://evil", "javascript:"},
	bot.Feishu: {"<at ", "](http://evil", "javascript:", "*bold*", "<http://evil"},
	bot.Web:    {"<at ", "<!", `href="http://evil`, `href="javascript`, "<script"},
}

// formatted returns the strings that a platform formats.
func formatted(platform bot.PlatformID, sent any) []string {
	var found []string
	switch v := sent.(type) {
	case string:
		if platform == bot.Web {
			found = append(found, v)
		}
	case []any:
		for _, inner := range v {
			found = append(found, formatted(platform, inner)...)
		}
	case map[string]any:
		kind, _ := v[map[bot.PlatformID]string{bot.Slack: "type", bot.Feishu: "tag"}[platform]].(string)
		switch kind {
		case "mrkdwn", "markdown", "lark_md":
			for _, key := range []string{"text", "content"} {
				if text, ok := v[key].(string); ok {
					found = append(found, text)
				}
			}
		case "broadcast", "usergroup":
			found = append(found, "<!channel")
		case "link":
			if url, ok := v["url"].(string); ok && strings.Contains(url, "evil") {
				found = append(found, "<"+url)
			}
		}
		if text, ok := v["text"].(string); ok && platform == bot.Slack && v["blocks"] != nil {
			found = append(found, text) // the text beside the blocks is formatted, too
		}
		for _, inner := range v {
			found = append(found, formatted(platform, inner)...)
		}
	}
	return found
}
