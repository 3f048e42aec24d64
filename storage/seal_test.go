package storage_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// keyOf is a key of one letter.
func keyOf(letter string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// The secrets of endpoints cannot be read in a copy of the database; keys are replaced one
// after the other.
func TestTheSecretsOfEndpointsAreSealed(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]storage.Config{
		storage.SQLite: {Dir: t.TempDir()}, storage.Postgres: {URL: storagetest.Postgres(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			reopen := func(keys string) *storage.Store {
				t.Helper()
				var err error
				cfg.Keys, err = storage.ParseKeys(keys)
				must(t, err)
				s, err := storage.Open(ctx, cfg)
				must(t, err)
				t.Cleanup(func() { must(t, s.Close()) })
				must(t, s.Migrate(ctx))
				return s
			}
			stored := func(s *storage.Store) (text string) {
				t.Helper()
				must(t, s.Query(ctx, &text, "SELECT settings FROM endpoints"))
				return text
			}
			want := slipway.Endpoint{
				Name: "risk", URL: "https://risk.example.com", Events: slipway.Events(), Secrets: []string{"whsec_c2xpcHdheQ=="}, Managed: true,
			}
			clear := reopen("")
			_, err := clear.SaveEndpoint(ctx, want, 0, "Root", morning)
			must(t, err)
			if !strings.Contains(stored(clear), "whsec_") {
				t.Fatalf("without a key it is stored as %s", stored(clear))
			}
			seen := map[string]bool{}
			for _, keys := range []string{keyOf("a"), keyOf("b") + ", " + keyOf("a"), keyOf("b")} {
				s := reopen(keys)
				must(t, s.SealEndpoints(ctx))
				text := stored(s)
				if strings.Contains(text, "whsec_") || !strings.HasPrefix(text, "sealed:") {
					t.Errorf("it is stored as %s", text)
				}
				seen[text] = true
				all, err := s.Endpoints(ctx)
				if err != nil || len(all) != 1 {
					t.Fatalf("%d endpoints, %v", len(all), err)
				}
				if diff := cmp.Diff(want, all[0].Endpoint); diff != "" || all[0].Version != 1 {
					t.Errorf("version %d, opened (-want +got):\n%s", all[0].Version, diff)
				}
			}
			if len(seen) != 2 {
				t.Errorf("sealed in %d ways, want anew with the second key alone", len(seen))
			}
			for _, keys := range []string{"", keyOf("a")} {
				if _, err := reopen(keys).Endpoints(ctx); err == nil || !strings.Contains(err.Error(), "endpoint risk: it is sealed with a key") {
					t.Errorf("without the right key: %v", err)
				}
			}
			s := reopen(keyOf("b"))
			must(t, s.Exec(ctx, "UPDATE endpoints SET name = 'office'"))
			if _, err := s.Endpoints(ctx); err == nil {
				t.Error("the settings open under another name")
			}
		})
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hunter2", keyOf("a")[:20], keyOf("a") + ",", keyOf("a") + "," + keyOf("b")[4:]} {
		if _, err := storage.ParseKeys(text); err == nil || strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
