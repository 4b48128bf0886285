/* A row's link opens in the page that is there, as links of Dash do; text only, so that no name can become markup. */
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
dagcomponentfuncs.RunLink = function (props) {
  const open = (event) => {
    if (event.metaKey || event.shiftKey || event.altKey || event.ctrlKey) return;
    event.preventDefault();
    window.dash_clientside.set_props("url", { pathname: props.data.href, search: "" });
    window.scrollTo(0, 0);
  };
  return React.createElement("a", { href: props.data.href, onClick: open }, props.value);
};
dagcomponentfuncs.DeleteButton = function (props) {
  const label = `Delete ${props.data.drill || "this exercise"} of ${props.data.date}`;
  return React.createElement("button", { className: "delete", "aria-label": label, tabIndex: -1 }, "×");
};
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
dagfuncs.oneDecimal = function (value) {
  return value == null ? "–" : value.toFixed(1);
};
dagfuncs.whole = function (value) {
  return value == null ? "–" : String(value);
};
dagfuncs.distance = function (value, unit) {
  return value == null ? "–" : `${value.toFixed(1)} ${unit}`;
};
dagfuncs.pace = function (value, unit) {
  return value == null ? "–" : `${Math.floor(value / 60)}:${String(value % 60).padStart(2, "0")} /${unit}`;
};
dagfuncs.signed = function (value) {
  return value == null ? "–" : (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value);
};
dagfuncs.byPlace = function (a, b, rowA, rowB) {
  return rowA.data.place - rowB.data.place;
};
dagfuncs.byLastRun = function (a, b, rowA, rowB) {
  return rowA.data.last_run_iso.localeCompare(rowB.data.last_run_iso);
};
dagfuncs.byDay = function (a, b, rowA, rowB) {
  return rowA.data.start < rowB.data.start ? -1 : rowA.data.start > rowB.data.start ? 1 : 0;
};
dagfuncs.plainNumber = function (value) {
  return typeof value === "number" ? String(Math.round(value * 100) / 100) : value;
};
dagfuncs.byNumber = function (a, b) {
  return (parseFloat(a) || 0) - (parseFloat(b) || 0);
};
dagfuncs.draftsFirst = function (params) {
  const isDraft = (node) => node.id.startsWith("draft-");
  params.nodes.sort((a, b) => isDraft(b) - isDraft(a));
};
dagfuncs.isWrong = function (params) {
  return Boolean(params.data && params.data.wrong && params.data.wrong.includes(params.colDef.field));
};
/* A text with the drills that are known as suggestions: any other may be written. */
dagfuncs.DrillEditor = class {
  init(params) {
    this.input = document.createElement("input");
    this.input.className = "ag-input-field-input ag-text-field-input drill-editor";
    this.input.setAttribute("list", "balance-drills");
    this.input.setAttribute("aria-label", "Drill");
    const typed = params.eventKey && params.eventKey.length === 1;
    this.input.value = typed ? params.eventKey : params.value || "";
  }
  getGui() {
    return this.input;
  }
  afterGuiAttached() {
    this.input.focus();
  }
  getValue() {
    return this.input.value;
  }
  isPopup() {
    return false;
  }
};
