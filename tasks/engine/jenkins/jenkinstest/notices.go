package jenkinstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// announce sends a notice for each phase that a build has come to.
func (s *Server) announce(b *build) {
	word, _ := s.result(b)
	phases := []string{"STARTED"}
	if word != "" {
		phases = append(phases, "COMPLETED", "FINALIZED")
	}
	for ; b.told < len(phases); b.told++ {
		s.Tell(s.notice(b, phases[b.told], word))
	}
}

// notice is what the Notification plugin sends. It leaves passwords out.
func (s *Server) notice(b *build, phase, word string) func() {
	parameters := map[string]string{}
	for _, p := range declared(b.flow) {
		if !p.Secret {
			parameters[p.Name] = b.item.values[p.Name]
		}
	}
	at := strings.TrimPrefix(s.address(b.path), s.URL()+"/")
	told := map[string]any{
		"full_url": fmt.Sprintf("%s%d/", s.address(b.path), b.number), "number": b.number, "queue_id": b.item.id, "phase": phase,
		"url": fmt.Sprintf("%s%d/", at, b.number), "timestamp": b.run.Created.UTC().Format("2006-01-02T15:04:05.0+00:00"), "duration": 0,
		"scm": map[string]any{"changes": []any{}, "culprits": []any{}}, "parameters": parameters, "log": "", "notes": "",
		"artifacts": map[string]any{},
	}
	if word != "" {
		told["status"] = word
	}
	body, err := json.Marshal(map[string]any{"name": b.flow.Name, "display_name": b.flow.Name, "url": at, "build": told})
	if err != nil {
		panic(err)
	}
	header := http.Header{"Content-Type": {"application/json;charset=UTF-8"}, "User-Agent": {"Java/17"}}
	return func() { s.Notices.Send(header, body) }
}
