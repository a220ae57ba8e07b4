// Applies the remembered theme before the first paint; without one the OS decides (see tokens.css).
try {
  var theme = localStorage.getItem('modelyard.theme');
  if (theme === '"light"' || theme === '"dark"') document.documentElement.dataset.theme = theme.slice(1, -1);
} catch (_) {
  // Storage may be forbidden; the OS setting is a good answer then.
}
