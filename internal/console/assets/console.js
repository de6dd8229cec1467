// What the console adds to htmx: plots, relative times that stay right, and keys.
(() => {
  'use strict'

  // distance has the steps of distance in text.go.
  const distance = (seconds) => {
    if (seconds < -1) return 'in ' + span(-seconds)
    return seconds < 2 ? 'now' : span(seconds) + ' ago'
  }
  const span = (s) => s < 120 ? Math.floor(s) + ' s' : s < 7200 ? Math.floor(s / 60) + ' min'
    : s < 172800 ? Math.floor(s / 3600) + ' h' : Math.floor(s / 86400) + ' days'
  const tick = () => {
    const now = Date.now()
    for (const t of document.querySelectorAll('time[datetime]')) {
      const text = distance((now - Date.parse(t.dateTime)) / 1000)
      if (t.textContent !== text) t.textContent = text
    }
  }
  setInterval(tick, 1000)

  // Colours that are told apart on light and on dark, also with a colour deficiency
  // (Okabe and Ito).
  const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9']
  const plots = new Map()
  const draw = (el) => {
    const data = JSON.parse(el.dataset.plot)
    const css = getComputedStyle(el)
    const axis = { stroke: css.color, grid: { stroke: css.borderTopColor, width: 1 }, ticks: { stroke: css.borderTopColor, width: 1 } }
    const series = data.curves.map((c, i) => ({ label: c.name, stroke: colours[i % colours.length], width: 1.5, points: data.days ? { size: 4 } : { show: false } }))
    const text = (t) => t == null ? '–' : new Date(t * 1e3).toISOString().slice(...(data.days ? [5, 10] : [11, 16]))
    el.replaceChildren()
    const p = new uPlot({
      width: el.clientWidth - 12, height: 190, series: [{ label: data.days ? 'day' : 'minute', value: (u, t) => text(t) }, ...series], scales: { y: { range: (u, lo, hi) => [0, Math.max(1, hi * 1.05)] } },
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1e3), 'Etc/UTC'),
      axes: [{ ...axis, ...(data.days && { incrs: [1, 2, 7, 14, 28, 91, 364].map((n) => n * 86400) }), values: (u, list) => list.map(text) }, { ...axis, size: 60, values: (u, list) => list.map((v) => Number.isInteger(v) || data.fractions ? v.toLocaleString('en') : '') }],
    }, [data.x, ...data.curves.map((c) => c.y)], el)
    plots.set(el, p)
  }
  const drawAll = () => {
    for (const el of plots.keys()) if (!el.isConnected) plots.delete(el)
    for (const el of document.querySelectorAll('[data-plot]')) if (!plots.has(el)) draw(el)
  }
  const redraw = () => { for (const el of [...plots.keys()]) if (el.isConnected) draw(el) }
  let resizing
  addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(redraw, 100) })
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
  document.addEventListener('htmx:after:swap', () => { drawAll(); tick() })
  addEventListener('DOMContentLoaded', drawAll)
  drawAll()

  // The live table: it keeps the newest rows, and a pause drops the rows that arrive.
  const maxRows = 200
  const pause = document.querySelector('[data-pause]')
  const tail = document.querySelector('[data-tail]')
  const note = document.querySelector('[data-note]')
  let paused = false
  let missed = 0
  if (pause && tail) {
    pause.addEventListener('click', () => {
      paused = !paused
      missed = 0
      pause.setAttribute('aria-pressed', String(paused))
      pause.textContent = paused ? 'Continue' : 'Pause'
      note.textContent = paused ? 'Paused.' : 'Live.'
    })
    tail.addEventListener('htmx:sse:before:message', (e) => {
      const message = e.detail.message
      if (message.event === 'note') {
        if (!paused) note.textContent = message.data
      } else if (paused) {
        missed += message.data.split('<tr>').length - 1
        note.textContent = 'Paused. ' + (missed === 1 ? '1 event has' : missed + ' events have') + ' arrived.'
        e.preventDefault()
      }
    })
    tail.addEventListener('htmx:sse:after:message', () => {
      while (tail.rows.length > maxRows) tail.lastElementChild.remove()
      document.querySelector('[data-none]')?.remove()
      tick()
    })
    tail.addEventListener('htmx:sse:error', () => { note.textContent = 'The connection is lost; trying again …' })
  }

  // Keys: g and a letter open a page. No key works while a field has the focus.
  let went = 0
  addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, textarea, select, dialog')) return
    const page = Date.now() - went < 1500 && document.querySelector(`nav a[data-key="${CSS.escape(e.key)}"]`)
    went = e.key === 'g' ? Date.now() : 0
    if (page) page.click()
    else if (e.key === '?') document.getElementById('keys').showModal()
    else if (e.key === '/') document.querySelector('main input:not([type=hidden]), main select, main textarea')?.focus()
    else if (e.key === 'p') document.querySelector('[data-pause]')?.click()
    else return
    e.preventDefault()
  })
})()
