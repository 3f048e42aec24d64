// Package mail brings the plan to those who are asked for an approval by mail, over SMTP:
// as text and as HTML, in their language, with a link that signs them in once. It knows
// nothing of who is asked and when; bot does.
package mail
