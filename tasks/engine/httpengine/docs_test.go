package httpengine_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"slipway/tasks/engine/httpengine"
)

// The example of the pages is taken as it is by those who set up an engine.
func TestTheExampleOfThePagesIsSound(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"http.md", "http.zh.md"} {
		text, err := os.ReadFile("../../../docs/engines/" + page)
		if err != nil {
			t.Fatal(err)
		}
		_, example, _ := strings.Cut(string(text), "```yaml\nengines:")
		example, _, _ = strings.Cut(example, "```")
		var file struct {
			Engines map[string]struct {
				Type                string `yaml:"type"`
				Timeout             string `yaml:"timeout"`
				Poll                string `yaml:"poll"`
				RequestsPerMinute   int    `yaml:"requests_per_minute"`
				httpengine.Settings `yaml:",inline"`
			} `yaml:"engines"`
		}
		d := yaml.NewDecoder(strings.NewReader("engines:" + example))
		d.KnownFields(true)
		if err := d.Decode(&file); err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		deployer := file.Engines["deployer"]
		if len(deployer.Workflows) != 1 {
			t.Errorf("%s: %+v", page, deployer)
		}
		deployer.Check(func(key, format string, args ...any) { t.Errorf("%s: %s: %s", page, key, fmt.Sprintf(format, args...)) })
	}
}
