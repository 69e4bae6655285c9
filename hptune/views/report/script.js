"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const PLACES = 10000;
  const count = data.trial.length;
  const scoreAxis = data.axes.length; // brushing it filters, and sets nothing

  // Numbers and shells

  function short(x, room) {
    for (let digits = 3; digits <= 15; digits++) {
      const rounded = Number(x.toPrecision(digits));
      if (Math.abs(rounded - x) <= 0.01 * room) {
        return text(rounded);
      }
    }
    return text(x);
  }

  function text(x) {
    if (x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e6)) {
      return x.toExponential().replace("e+", "e");
    }
    return String(x);
  }

  function quoted(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\"'\"'") + "'";
  }

  // One vocabulary with hptune/scales.py: 0 at low, 1 at high.
  const forward = { linear: (x) => x, log: Math.log, log_complement: (x) => -Math.log1p(-x) };
  const backward = { linear: (x) => x, log: Math.exp, log_complement: (x) => -Math.expm1(-x) };

  function valueAt(axis, unit) {
    if (unit <= 0) return axis.low;
    if (unit >= 1) return axis.high;
    const start = forward[axis.scale](axis.low);
    return backward[axis.scale](start + unit * (forward[axis.scale](axis.high) - start));
  }

  function unitOf(axis, value) {
    const [start, end, at] = [axis.low, axis.high, value].map(forward[axis.scale]);
    return start === end ? 0.5 : (at - start) / (end - start);
  }

  // The text of one end of a range; which end matters where only some numbers lie on the axis.
  function endText(axis, unit, upper) {
    let x = valueAt(axis, unit);
    if (axis.few.length) {
      const inside = axis.few.filter((value) => upper ? value <= x * (1 + 1e-9) : value >= x * (1 - 1e-9));
      if (inside.length) return text(inside.at(upper ? -1 : 0));
      return text(axis.few.at(upper ? 0 : -1));
    }
    const slack = 1e-6 * Math.max(1, Math.abs(x));
    if (axis.whole) x = upper ? Math.floor(x + slack) : Math.ceil(x - slack);
    x = Math.min(Math.max(x, axis.limits[0]), axis.limits[1]);
    if (axis.whole) return String(x);
    if (unit <= 0 || unit >= 1 || axis.limits.includes(x)) return text(x);
    if (axis.scale === "linear") return short(x, axis.high - axis.low);
    const rounded = short(x, axis.scale === "log" ? x : Math.min(Math.abs(x), 1 - x));
    return text(Math.min(Math.max(Number(rounded), axis.limits[0]), axis.limits[1]));
  }

  function rangeText(axis, units) {
    const texts = units.map((unit, end) => endText(axis, unit, end === 1));
    if (Number(texts[0]) <= Number(texts[1])) return texts;
    const middle = (units[0] + units[1]) / 2; // no number lies between: the nearest
    const near = axis.few.length
      ? axis.few.reduce((a, b) =>
        Math.abs(unitOf(axis, b) - middle) < Math.abs(unitOf(axis, a) - middle) ? b : a)
      : Math.round(valueAt(axis, middle));
    return [text(near), text(near)];
  }

  // What is chosen: per axis null, a pair of places [low, high], or a set of options

  const chosen = new Array(scoreAxis + 1).fill(null);

  function inside(trial) {
    return chosen.every((choice, i) => {
      if (choice === null) return true;
      if (i === scoreAxis) {
        const score = data.score[trial];
        if (score === null) return false;
        const [low, high] = data.score_axis;
        const unit = Math.min(Math.max((score - low) / (high - low), 0), 1);
        return unit >= choice[0] && unit <= choice[1];
      }
      const place = data.places[i][trial];
      if (place === null) return false;
      const options = data.axes[i].options;
      if (options) return choice.has(Math.floor((place / PLACES) * options.length));
      const slack = 0.5 / PLACES;
      return place / PLACES >= choice[0] - slack && place / PLACES <= choice[1] + slack;
    });
  }

  function command() {
    const parts = [data.command];
    data.axes.forEach((axis, i) => {
      if (chosen[i] === null) return;
      let range;
      if (axis.options) {
        range = axis.options.filter((_, o) => chosen[i].has(o)).join(",");
      } else {
        const [low, high] = rangeText(axis, chosen[i]);
        range = low === high ? low : low + ".." + high;
      }
      parts.push("--set " + quoted(axis.name + "=" + range));
    });
    return parts.join(" ");
  }

  // Parallel coordinates

  const picture = document.querySelector("svg.parallel");
  if (picture) brushes();

  function brushes() {
    const top = Number(picture.dataset.top);
    const height = Number(picture.dataset.height);
    const lines = [...picture.querySelectorAll(".lines path")];
    const rowOf = new Map(data.trial.map((id, row) => [id, row]));
    const groups = [...picture.querySelectorAll(".paxis")];
    const status = document.getElementById("brushed");
    const everything = status.textContent;
    const line = document.getElementById("narrow");
    const boxes = groups.map((group) => {
      const box = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      box.setAttribute("class", "brush");
      box.setAttribute("x", Number(group.dataset.x) - 7);
      box.setAttribute("width", 14);
      group.append(box);
      return box;
    });
    const fields = document.getElementById("ranges-form");

    function unitAt(event) {
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(
        picture.getScreenCTM().inverse());
      return Math.min(Math.max(1 - (place.y - top) / height, 0), 1);
    }

    function choose(i, low, high) {
      const options = i < scoreAxis ? data.axes[i].options : null;
      if (options) {
        const found = options.map((_, o) => o).filter((o) => {
          const middle = (o + 0.5) / options.length;
          return middle >= low && middle <= high;
        });
        chosen[i] = found.length && found.length < options.length ? new Set(found) : null;
      } else {
        chosen[i] = [low, high];
      }
      show();
    }

    groups.forEach((group, i) => {
      const grip = group.querySelector(".grip");
      let from = null;
      grip.addEventListener("pointerdown", (event) => {
        from = unitAt(event);
        grip.setPointerCapture(event.pointerId);
        event.preventDefault();
      });
      grip.addEventListener("pointermove", (event) => {
        if (from === null) return;
        const to = unitAt(event);
        if (Math.abs(to - from) > 0.01) choose(i, Math.min(from, to), Math.max(from, to));
      });
      grip.addEventListener("pointerup", (event) => {
        if (from !== null && Math.abs(unitAt(event) - from) <= 0.01) {
          chosen[i] = null;
          show();
        }
        from = null;
      });
      grip.addEventListener("pointercancel", () => { from = null; });
    });

    function drawBox(i) {
      const choice = chosen[i];
      let low = 0, high = 0;
      if (choice instanceof Set) {
        const size = data.axes[i].options.length;
        low = Math.min(...choice) / size;
        high = (Math.max(...choice) + 1) / size;
      } else if (choice) {
        [low, high] = choice;
      }
      boxes[i].setAttribute("y", top + (1 - high) * height);
      boxes[i].setAttribute("height", Math.max(0, (high - low) * height));
    }

    function fillFields() {
      if (!fields) return;
      for (const input of fields.querySelectorAll("input")) {
        if (input === document.activeElement && input.type === "text") continue;
        const i = Number(input.dataset.axis);
        if (input.type === "checkbox") {
          input.checked = chosen[i] === null || chosen[i].has(Number(input.dataset.option));
        } else {
          const end = input.dataset.end === "from" ? 0 : 1;
          input.value = chosen[i] === null ? "" : rangeText(data.axes[i], chosen[i])[end];
          input.placeholder = rangeText(data.axes[i], [0, 1])[end];
        }
      }
    }

    function show() {
      boxes.forEach((_, i) => drawBox(i));
      for (const path of lines) {
        path.classList.toggle("out", !inside(rowOf.get(Number(path.dataset.trial))));
      }
      picture.classList.toggle("brushed", chosen.some((choice) => choice !== null));
      line.textContent = command();
      fillFields();
      if (chosen.every((choice) => choice === null)) {
        status.textContent = everything;
        return;
      }
      const rows = [...data.trial.keys()].filter((row) => data.score[row] !== null && inside(row));
      const best = rows.length ? `; the best scores ${data.score[rows[0]]} (trial ${data.trial[rows[0]]})` : "";
      status.textContent = `${rows.length} of the trials with a score lie inside${best}.`;
    }

    if (fields) {
      fields.addEventListener("submit", (event) => event.preventDefault());
      fields.addEventListener("input", (event) => {
        const i = Number(event.target.dataset.axis);
        const axis = data.axes[i];
        if (axis.options) {
          const ticked = [...fields.querySelectorAll(`input[data-axis="${i}"]`)].filter((b) => b.checked);
          const found = ticked.map((b) => Number(b.dataset.option));
          chosen[i] = found.length && found.length < axis.options.length ? new Set(found) : null;
        } else {
          typed(i, axis);
        }
        show();
      });
      fillFields();
    }

    function typed(i, axis) {
      const pair = ["from", "to"].map((end) =>
        fields.querySelector(`input[data-axis="${i}"][data-end="${end}"]`));
      const units = pair.map((input, end) => {
        const value = Number(input.value);
        const fits = input.value.trim() !== "" && Number.isFinite(value) &&
          Number.isFinite(forward[axis.scale](value));
        const empty = input.value.trim() === "";
        input.setAttribute("aria-invalid", String(!empty && !fits));
        return fits ? Math.min(Math.max(unitOf(axis, value), 0), 1) : end;
      });
      const none = pair.every((input) => input.value.trim() === "");
      chosen[i] = none || units[0] > units[1] ? null : units;
    }
  }

  // A word about the point under the pointer

  const hint = document.createElement("div");
  hint.id = "hint";
  hint.hidden = true;
  document.body.append(hint);

  for (const plot of document.querySelectorAll("svg.plot[data-hp]")) {
    const i = data.axes.findIndex((axis) => axis.name === plot.dataset.hp);
    const [left, floor, right, ceiling] = plot.dataset.frame.split(" ").map(Number);
    let spots = null;
    plot.addEventListener("pointermove", (event) => {
      spots ??= spotsOf(i, left, floor, right, ceiling);
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plot.getScreenCTM().inverse());
      let near = null, distance = 100;
      for (const spot of spots) {
        const squared = (spot.x - at.x) ** 2 + (spot.y - at.y) ** 2;
        if (squared < distance) [near, distance] = [spot, squared];
      }
      tell(near && near.row, i, event);
    });
    plot.addEventListener("pointerleave", () => { hint.hidden = true; });
  }

  function spotsOf(i, left, floor, right, ceiling) {
    const [low, high] = data.score_axis;
    const found = [];
    for (let row = 0; row < count; row++) {
      if (data.places[i][row] === null || data.score[row] === null) continue;
      let unit = data.places[i][row] / PLACES;
      unit += (((data.trial[row] * 0.618033988749895) % 1) - 0.5) * data.axes[i].spread;
      const up = Math.min(Math.max((data.score[row] - low) / (high - low), 0), 1);
      found.push({ row, x: left + unit * (right - left), y: floor - up * (floor - ceiling) });
    }
    return found;
  }

  function tell(row, i, event) {
    hint.hidden = row === null;
    if (row === null) return;
    const axis = data.axes[i];
    hint.textContent = `trial ${data.trial[row]}, pass ${data.pass[row]}: ` +
      `${data.objective} ${data.score[row]}, ${axis.name} ${data.values[i][row]}`;
    const wide = hint.offsetWidth;
    hint.style.left = Math.min(event.clientX + 12, document.documentElement.clientWidth - wide - 4) + "px";
    hint.style.top = event.clientY + 14 + "px";
  }

  // The table of trials

  const table = document.getElementById("trial-table");
  if (table) trialTable();

  function trialTable() {
    const columns = [data.trial, data.pass, data.state, data.score, data.epochs, data.seconds,
      ...data.values, data.trial.map((id) => data.reason[id] ?? "")];
    const head = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    let rows = [...data.trial.keys()];
    let most = body.rows.length;
    let sorted = { column: null, down: false };

    function fill() {
      const made = rows.slice(0, most).map((row) => {
        const tr = document.createElement("tr");
        columns.forEach((column, i) => {
          const cell = document.createElement(i ? "td" : "th");
          if (!i) cell.scope = "row";
          if (head[i].classList.contains("n")) cell.className = "n";
          cell.textContent = column[row] ?? "";
          tr.append(cell);
        });
        return tr;
      });
      body.replaceChildren(...made);
    }

    function sortBy(i) {
      sorted = { column: i, down: sorted.column === i && !sorted.down };
      const sign = sorted.down ? -1 : 1;
      rows.sort((a, b) => {
        const [x, y] = [columns[i][a] ?? "", columns[i][b] ?? ""];
        if (x === "" || y === "") return (x === "") - (y === ""); // what has no value comes last
        return sign * (typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(y));
      });
      head.forEach((cell, j) => {
        if (j === i) cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
        else cell.removeAttribute("aria-sort");
      });
      fill();
    }

    head.forEach((cell, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.textContent = cell.textContent;
      button.addEventListener("click", () => sortBy(i));
      cell.replaceChildren(button);
    });
    const all = document.getElementById("show-all");
    if (all) {
      all.addEventListener("click", () => {
        most = count;
        fill();
        document.getElementById("trial-table-caption").textContent = `All ${count} trials`;
        all.hidden = true;
      });
    }
  }

  // Paper can't be pressed

  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

  // Copying

  for (const button of document.querySelectorAll("button.copy")) {
    button.addEventListener("click", async () => {
      const source = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        getSelection().selectAllChildren(source); // no permission: it is selected, ready for Ctrl-C
        if (!document.execCommand("copy")) return;
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
})();
