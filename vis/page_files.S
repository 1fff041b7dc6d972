// SPDX-License-Identifier: MIT
// The files of vis/page/ as bytes in nstrace's own read-only data. The build adds that folder to the search path.
  .section .rodata
  .global nstrace_page_css, nstrace_page_css_end, nstrace_page_body, nstrace_page_body_end
  .global nstrace_page_js, nstrace_page_js_end
nstrace_page_css:
  .incbin "page.css"
nstrace_page_css_end:
nstrace_page_body:
  .incbin "page.html"
nstrace_page_body_end:
nstrace_page_js:
  .incbin "trace.js"
  .incbin "filter.js"
  .incbin "tree.js"
  .incbin "timeline.js"
  .incbin "namespaces.js"
  .incbin "page.js"
nstrace_page_js_end:
  .section .note.GNU-stack, "", %progbits
