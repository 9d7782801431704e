// Everything in its place. Each part listens to what is new and draws itself.

import * as breaks from "./breaks.js";
import * as charts from "./charts.js";
import * as check from "./check.js";
import * as dots from "./dots.js";
import * as feed from "./feed.js";
import * as headline from "./headline.js";
import * as logs from "./logs.js";
import * as requests from "./requests.js";
import * as stage from "./stage.js";
import * as story from "./story.js";
import * as theme from "./theme.js";
import * as tour from "./tour.js";
import * as traffic from "./traffic.js";

for (const part of [theme, stage, dots, headline, traffic, breaks, requests, story, charts, logs, check, tour, feed]) {
  part.start();
}
