package mail

import gomail "github.com/wneessen/go-mail"

// DemandTLS treats a server on this machine like one far away.
func (s Server) DemandTLS() Server {
	s.tls = gomail.TLSMandatory
	return s
}
