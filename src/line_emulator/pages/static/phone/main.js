// Starts the phone of the number in the page.

import { follow } from "./opener.js";
import { Phone } from "./phone.js";
import { sidePanel } from "./side.js";
import { Store } from "./store.js";
import { loadWords } from "./words.js";

await loadWords();
const store = new Store(document.body.dataset.phone);
follow(store);
const phone = new Phone(store);
document.body.append(phone.element);
if (!("frame" in document.documentElement.dataset)) document.body.append(sidePanel(phone));
store.connect();
