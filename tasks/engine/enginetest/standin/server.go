package standin

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// tick is how often the runs of a server are looked after.
const tick = 5 * time.Millisecond

// Server is what the servers of all stand-ins are alike in. A stand-in embeds it, and
// holds its lock whenever it looks at what it has.
type Server struct {
	sync.Mutex
	Notes   Notes
	Notices Notices

	now     func() time.Time
	lastID  int
	faults  Faults
	handler http.Handler
	server  *http.Server
	url     string
	advance func()
	marked  func(mark string) []*Run
	closed  chan struct{}
	ticking sync.WaitGroup
}

// NewServer returns a server whose time is now's (nil: the real one), and that numbers
// what it has from behind an ID on. It begins with Open.
func NewServer(now func() time.Time, behind int) *Server {
	if now == nil {
		now = time.Now
	}
	return &Server{now: now, lastID: behind, closed: make(chan struct{})}
}

// Open begins. api answers requests. advance does what is due, and marked returns the
// runs that carry a mark, nil for one that was asked for and has not begun; both are
// called under the lock.
func (s *Server) Open(api http.Handler, advance func(), marked func(mark string) []*Run) {
	s.handler, s.advance, s.marked = s.faults.Wrap(api), advance, marked
	s.ticking.Go(s.tick)
}

func (s *Server) tick() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-s.closed:
			return
		case <-ticker.C:
			s.Lock()
			s.advance()
			s.Unlock()
		}
	}
}

// Handler serves the API.
func (s *Server) Handler() http.Handler { return s.handler }

// Listen serves at an address, such as "127.0.0.1:0".
func (s *Server) Listen(addr string) error {
	l, err := net.Listen("tcp", addr) //nolint:noctx // it ends with Close
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	s.url = "http://" + l.Addr().String()
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(l) }()
	return nil
}

// URL is where it listens, and where its pages are.
func (s *Server) URL() string { return s.url }

// Close ends the server.
func (s *Server) Close() {
	close(s.closed)
	if s.server != nil {
		s.server.Close()
	}
	s.ticking.Wait()
	s.Notices.Close()
}

// Closed is closed when the server ends.
func (s *Server) Closed() <-chan struct{} { return s.closed }

// Faults are what can be made wrong with it.
func (s *Server) Faults() *Faults { return &s.faults }

// Violations returns what the real server would have refused or left out.
func (s *Server) Violations() []string { return s.Notes.List() }

// Notify says what becomes of its notices.
func (s *Server) Notify(mode Mode) { s.Notices.Notify(mode) }

// NotifyURL is where its notices go.
func (s *Server) NotifyURL(url string) { s.Notices.To(url) }

// Tell sends notices, and does not wait for it.
func (s *Server) Tell(news ...func()) {
	for _, send := range news {
		s.ticking.Go(send)
	}
}

// TellNow sends notices, one after another. It lets go of the lock meanwhile.
func (s *Server) TellNow(news ...func()) {
	s.Unlock()
	defer s.Lock()
	for _, send := range news {
		send()
	}
}

// Starts returns how many runs carry a mark.
func (s *Server) Starts(mark string) int {
	s.Lock()
	defer s.Unlock()
	return len(s.marked(mark))
}

// Pass lets the jobs of the run with a mark that block pass; false if there is none.
func (s *Server) Pass(mark string) bool {
	s.Lock()
	defer s.Unlock()
	for _, r := range s.marked(mark) {
		if r != nil {
			return r.Pass(s.now())
		}
	}
	return false
}

// Now is the time.
func (s *Server) Now() time.Time { return s.now() }

// NextID numbers whatever the server has.
func (s *Server) NextID() int {
	s.lastID++
	return s.lastID
}

// Serve has a request answered under the lock, after what is due is done. It notes
// query parameters that are not in the contract of its pattern.
func (s *Server) Serve(pattern string, query []string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.CheckQuery(r, pattern, query)
		s.Lock()
		defer s.Unlock()
		s.advance()
		answer(w, r)
	}
}

// CheckQuery notes the query parameters of a request that are not in the contract.
func (s *Server) CheckQuery(r *http.Request, pattern string, query []string) {
	for name := range r.URL.Query() {
		if !slices.Contains(query, name) {
			s.Notes.Addf("%s has no query parameter %q", pattern, name)
		}
	}
}

// Edited returns the workflows with the one of the same name changed, as a person
// changes it in the vendor's page or with a commit.
func Edited(all []Workflow, w Workflow) []Workflow {
	all = slices.Clone(all)
	for i, old := range all {
		if old.Project == w.Project && old.Name == w.Name {
			all[i] = w
		}
	}
	return all
}
