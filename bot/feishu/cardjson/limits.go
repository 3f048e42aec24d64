package cardjson

// The limits of a card.
const (
	// MaxRequest is the size in bytes of the request that carries a card, in which the
	// card is a string: all its quotes are escaped. im-v1/message/create: "请求体最大不能超过 30 KB".
	MaxRequest = 30 * 1024
	// RequestOverhead is what Check leaves in MaxRequest for the rest of the request.
	RequestOverhead = 512
	// MaxCard is the size of a card in a callback's answer or a delayed update, where it is
	// not a string. ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN: "卡片大小需控制在 30KB 以内".
	MaxCard = 30 * 1024
	// MaxElements is how many components and elements a card has at most: everything with
	// a tag counts, so a button counts twice, because of its plain_text, and each option of
	// a select_static once. card-json-v2-structure: "最多支持 200 个元素（如 tag 为 plain_text
	// 的文本元素）或组件"; that the text of a button counts was measured by others (99
	// buttons at most); that of an option is taken to count too.
	MaxElements = 200
	// MaxDepth is how many containers stand around a component at most.
	// …/containers/form-container: "容器类组件最多支持嵌套五层组件".
	MaxDepth = 5
	// MaxTables is how many tables a card has. …/content-components/table: "单张卡片最多支持
	// 放置五个表格组件". Tables inside of markdown count (ErrCode 11310, "card table number
	// over limit").
	MaxTables = 5
	// MaxTableColumns and MaxPageSize are of one table. …/content-components/table.
	MaxTableColumns = 50
	MaxPageSize     = 10
	// MaxMarkdownTables is how many tables one markdown has. …/content-components/rich-text.
	MaxMarkdownTables = 4
)

// The limits of texts, in characters.
const (
	MaxButtonText   = 100  // …/interactive-components/button: "最多支持 100 个字符"
	MaxOverflowText = 100  // …/interactive-components/overflow
	MaxPlaceholder  = 100  // …/interactive-components/input, select_static, picker_datetime
	MaxInput        = 1000 // …/interactive-components/input: max_length "可取 1~1,000"
	MaxElementID    = 20   // card-json-v2-structure: "不得超过 20 字符"
)

// The limits of numbers of things.
const (
	MaxHeaderTags     = 3 // …/content-components/title: "最多设置 3 个", the rest is not shown
	MaxCheckerButtons = 3 // …/interactive-components/checker: "最多可配置三个按钮"
	MinWeight         = 1 // …/containers/column-set: weight "1 ~ 5 之间的整数"
	MaxWeight         = 5
)

// What the interfaces around cards allow.
const (
	// MaxUUID is the length of the key that sends a message once within UUIDHours.
	// im-v1/message/create: "最大长度：50 字符", "在 1 小时内至多成功发送一条消息".
	MaxUUID   = 50
	UUIDHours = 1
	// UpdateDays is how long a card can be pressed and changed.
	// card-json-v2-breaking-changes-release-notes: "统一为 14 天".
	UpdateDays = 14
	// UpdatesPerSecond is how often one message may be changed. im-v1/message/patch: 5 QPS.
	UpdatesPerSecond = 5
	// DelayedUpdates and DelayedMinutes bound the token of a callback.
	// ukTMukTMukTM/uMDO1YjLzgTN24yM4UjN.
	DelayedUpdates = 2
	DelayedMinutes = 30
	// MaxText is the size in bytes of a request with a text message. im-v1/message/create.
	MaxText = 150 * 1024
	// MaxUrgent is how many people one urgent reminder may name. im-v1/message/urgent_app.
	MaxUrgent = 200
	// MaxPreviewTokens is how many previews are refreshed at once. im-v2/url_previews.
	MaxPreviewTokens = 10
	// MaxEmails is how many addresses are looked up at once. contact/v3/users/batch_get_id.
	MaxEmails = 50
)
