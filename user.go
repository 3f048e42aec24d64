package slipway

// Role is what a user may do beyond the roles inside a plan.
type Role string

// The roles of a user.
const (
	RoleMember Role = "member"
	RoleAdmin  Role = "admin"
)

// User is a person who may use Slipway. Accounts of one person on several platforms
// are one user.
type User struct {
	ID           string `json:"id" bun:",pk"`
	Name         string `json:"name"`
	Email        string `json:"email"` // lower case, unique
	Role         Role   `json:"role"`
	SlackID      string `json:"slack_id,omitempty" bun:",nullzero"`
	FeishuOpenID string `json:"feishu_open_id,omitempty" bun:",nullzero"`
	DingTalkID   string `json:"dingtalk_id,omitempty" bun:",nullzero"`
	Locale       Lang   `json:"locale"`
	TimeZone     string `json:"time_zone"`  // IANA name, for example "Asia/Shanghai"; "" if it is not known
	CreatedAt    int64  `json:"created_at"` // Unix seconds
	// WorkingHours and Holidays are when they work, as ParseWorkingHours and ParseHolidays
	// read it; empty if they did not say.
	WorkingHours string   `json:"working_hours,omitempty"`
	Holidays     []string `json:"holidays,omitempty" bun:"-"`
	// LocaleGuessed tells that nobody chose the language yet: the first platform that
	// tells it decides.
	LocaleGuessed bool `json:"-"`
	// NoMail tells that the person wants no mail when they are asked for an approval.
	NoMail bool `json:"-"`
}

// SystemName is the wire name of the system user: what the schedule executes is
// executed by it, as documented.
const SystemName = "系统"

// ActorKind tells people from machines.
type ActorKind string

// The kinds of actors.
const (
	Person   ActorKind = "person"
	System   ActorKind = "system"   // Slipway itself: timers, runs, deliveries
	Receiver ActorKind = "receiver" // an outside system that answers a hook
)

// Actor is who asks for a change.
type Actor struct {
	Kind  ActorKind `json:"kind"`
	ID    string    `json:"id,omitempty"` // user id, or the hook endpoint's name
	Name  string    `json:"name"`
	Admin bool      `json:"admin,omitempty"`
}

// Actor returns the user as the one who acts.
func (u *User) Actor() Actor {
	return Actor{Kind: Person, ID: u.ID, Name: u.Name, Admin: u.Role == RoleAdmin}
}

// SystemActor is Slipway itself.
func SystemActor() Actor { return Actor{Kind: System, Name: SystemName} }

// PersonRef names a user inside a plan. The name is kept as it was when written.
type PersonRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Ref returns the user as named inside plans.
func (u *User) Ref() PersonRef { return PersonRef{ID: u.ID, Name: u.Name} }
