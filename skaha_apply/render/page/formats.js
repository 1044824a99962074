// Numbers, durations and times as people read them; times are in the time zone of the reader.

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function number(value) {
  return whole.format(value);
}

function plural(count, one, many) {
  return `${number(count)} ${count === 1 ? one : many}`;
}

function hours(value) {
  if (value >= 100) return number(value);
  return value >= 1 ? value.toFixed(1) : value ? String(Number(value.toPrecision(1))) : "0";
}

/** A duration in at most two units: `45 s`, `14 min`, `3 h 05 min`, `2 d 04 h`. */
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  const all = Math.floor(seconds);
  const two = (value) => String(value).padStart(2, "0");
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} min`;
  if (all < 86400) return `${Math.floor(all / 3600)} h ${two(Math.floor((all % 3600) / 60))} min`;
  return `${Math.floor(all / 86400)} d ${two(Math.floor((all % 86400) / 3600))} h`;
}

/** Unix seconds: `13:52`, on another day than `now` `11-27 13:52`. */
function clock(seconds, now) {
  const at = new Date(seconds * 1000), today = new Date(now * 1000);
  const two = (value) => String(value).padStart(2, "0");
  const time = `${two(at.getHours())}:${two(at.getMinutes())}`;
  if (at.toDateString() === today.toDateString()) return time;
  const date = `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return at.getFullYear() === today.getFullYear() ? `${date} ${time}` : `${at.getFullYear()}-${date}`;
}

function time(seconds, now) {
  return element("time", { datetime: new Date(seconds * 1000).toISOString() }, clock(seconds, now));
}

/** A rate of something in the unit that gives a readable number: `12 done/s`, `4.5 done/min`, `30 done/h`. */
function rate(perSecond, name) {
  for (const [unit, size] of [["s", 1], ["min", 60]]) {
    if (perSecond * size >= 1) return `${digits(perSecond * size)} ${name}/${unit}`;
  }
  return `${digits(perSecond * 3600)} ${name}/h`;
}

function digits(value) {
  return value >= 10 || Number.isInteger(value) ? number(value) : value.toFixed(1);
}

function amount(least, most, unit) {
  if (most === null || most === undefined) return "flexible";
  return `${least === most ? most : `${least}–${most}`}${unit}`;
}
