// A phone in a frame, with its number above it.

/** A live phone; `removable`: with a button that takes it away. */
export function hangUp(number, removable = false) {
  const figure = document.createElement("figure");
  figure.className = "phone";
  figure.dataset.phone = number;
  const caption = document.createElement("figcaption");
  const link = document.createElement("a");
  link.className = "number-of";
  link.href = `/phones/${encodeURIComponent(number)}`;
  link.textContent = number;
  caption.append(link);
  if (removable) caption.append(removeButton(number));
  const glass = document.createElement("div");
  glass.className = "glass";
  const frame = document.createElement("iframe");
  frame.src = `/phones/${encodeURIComponent(number)}?frame=1`;
  frame.title = `Phone of ${number}`;
  glass.append(frame);
  figure.append(caption, glass);
  return figure;
}

function removeButton(number) {
  const away = document.createElement("button");
  away.type = "button";
  away.dataset.remove = "";
  away.setAttribute("aria-label", `Take ${number} away`);
  away.textContent = "×";
  return away;
}
