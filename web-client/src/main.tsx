import { Component, type ComponentChildren, render } from "preact";
import { Screen } from "./parts/page";
import { DemoPage } from "./pages/demo";
import { JoinPage } from "./pages/join";
import { ReportPage } from "./pages/report";
import { StartPage } from "./pages/start";
import { WatchPage } from "./pages/watch";
import "./style/base.css";
import "./style/cards.css";
import "./style/couple.css";
import "./style/lanes.css";
import "./style/report.css";
import { refusalTitle } from "./refusal_titles";
import { trouble } from "./words";

/** The token is in the fragment, so that it never reaches a server's log. */
function Pages() {
  const token = location.hash.slice(1);
  const path = location.pathname.replace(/\/$/, "") || "/";
  if (path === "/") return <StartPage />;
  if (path === "/demo") return <DemoPage />;
  const Linked = { "/join": JoinPage, "/watch": WatchPage, "/report": ReportPage }[path];
  if (!Linked || !token) {
    const title = Linked ? refusalTitle("no_link") : trouble.noPageTitle;
    return <Screen title={title} body={trouble.noPageBody} step={{ label: trouble.home, href: "/" }} />;
  }
  return <Linked token={token} />;
}

/** A fault of the page itself still gets a screen with a way on. */
class Whole extends Component<{ children: ComponentChildren }, { broken: boolean }> {
  override state = { broken: false };

  static override getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    const reload = { label: trouble.reload, press: () => location.reload() };
    return <Screen title={trouble.brokenTitle} body={trouble.brokenBody} step={reload} />;
  }
}

addEventListener("hashchange", () => location.reload()); // another link was pasted into the same page
const root = document.getElementById("app");
if (root) {
  root.replaceChildren(); // what stood there until this script had come
  render(
    <Whole>
      <Pages />
    </Whole>,
    root,
  );
}
