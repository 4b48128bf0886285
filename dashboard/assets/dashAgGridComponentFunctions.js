/* The day in the list of runs is a link to the run; text only, so that no name can become markup. */
var dagcomponentfuncs = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
dagcomponentfuncs.RunLink = function (props) {
  return React.createElement("a", { href: props.data.href }, props.value);
};
var dagfuncs = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
dagfuncs.oneDecimal = function (value) {
  return value == null ? "–" : value.toFixed(1);
};
dagfuncs.byDay = function (a, b, rowA, rowB) {
  return rowA.data.start < rowB.data.start ? -1 : rowA.data.start > rowB.data.start ? 1 : 0;
};
