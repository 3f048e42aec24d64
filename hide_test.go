package slipway_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"

	"slipway"
)

// Whoever repeats a secret does so in the writing of the page, the address or the log that
// repeats it.
func TestSecretsAreHiddenHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	const secret, part = `p@ss/w%41&<"rd` + "`" + `">=`, "p@ss/w"
	inJSON, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"as it is": secret, "in JSON": string(inJSON), "in JSON that spares HTML": strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(string(inJSON)),
		"quoted": fmt.Sprintf("%q", secret), "in HTML": html.EscapeString(secret), "in a form": url.Values{"pin": {secret}}.Encode(),
		"in a path": url.PathEscape(secret), "twice": secret + secret,
	} {
		said := slipway.Hide("it said "+text+", and no more", part, secret, "", "  ")
		if strings.Contains(said, "w%41") || strings.Contains(said, "rd") || strings.Contains(said, "w%2541") || !strings.Contains(said, slipway.Mask) || !strings.HasSuffix(said, ", and no more") {
			t.Errorf("%s: %s", name, said)
		}
	}
	if said := slipway.Hide("nothing of it", "", " "); said != "nothing of it" {
		t.Errorf("without a secret: %s", said)
	}
}
