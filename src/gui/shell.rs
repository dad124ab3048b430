//! The shell around the studio: it takes what jobs, dialogs and drops brought, carries requests out, and paints.

use std::path::PathBuf;
use std::sync::Arc;

use super::dialogs::Dialogs;
use super::paint::textures::Textures;
use super::paint::{body, opaque, still};
use super::views::Views;
use super::windows::keys::KeysWindow;
use super::windows::licences::LicencesWindow;
use super::windows::palette::Palette;
use super::windows::servers::ServersWindow;
use super::{bars, egui, input, panels, theme, views, windows};
use crate::app::act::following::{follow, next_look};
use crate::app::act::leaving::loss;
use crate::app::act::{cine, crashes, journaling, recovery, saving, scans, servers, teach, templates};
use crate::app::state::body_pictures::DrawBody;
use crate::app::state::leaving::Leaving;
use crate::app::state::notices::Kind;
use crate::app::state::settings::{self, SettingsWriter, journal_folder};
use crate::app::{Dialog, Effect, Outbox, Request, Settings, Studio, handle};
use crate::home::{data_folder, note_card};
use crate::remote::servers_file;
use crate::session::Segmentation;
use crate::volume::{LabelMap, LabelTable, LabelValue, Window};
use crate::words::{self, Language};

/// Windows over the main one that are open.
#[derive(Default)]
struct Over {
    palette: Option<Palette>,
    keys: Option<KeysWindow>,
    is_about: bool,
    licences: Option<LicencesWindow>,
    servers: ServersWindow,
}

/// How long a window is opening: until then it is made to fit the screen.
const OPENING: std::time::Duration = std::time::Duration::from_secs(3);

/// The window.
pub struct App {
    studio: Studio,
    outbox: Outbox,
    views: Views,
    textures: Textures,
    dialogs: Dialogs,
    over: Over,
    saved_settings: Settings,
    settings_writer: SettingsWriter,
    keeps_settings: bool,
    title: String,
    started: std::time::Instant,
    first_frame: Option<std::time::Duration>,
    /// Whether a scan was painted.
    has_shown: bool,
    /// Whether it was made to fill the screen, because it did not fit.
    fills_screen: bool,
}

impl App {
    /// The window with the user's settings and paths to open; `started` is when the program began.
    pub(super) fn new(
        context: &eframe::CreationContext,
        settings: Settings,
        paths: Vec<PathBuf>,
        started: std::time::Instant,
    ) -> Self {
        Self::with_settings(context, paths, settings, true, journal_folder(), started)
    }

    /// The window with default settings that are not kept, and with file dialogs of its own.
    pub fn ephemeral(context: &eframe::CreationContext, paths: Vec<PathBuf>) -> Self {
        Self::with_settings(context, paths, Settings::default(), false, None, std::time::Instant::now())
    }

    /// The same with journals in a folder.
    pub fn ephemeral_with_journals(context: &eframe::CreationContext, paths: Vec<PathBuf>, journals: PathBuf) -> Self {
        Self::with_settings(context, paths, Settings::default(), false, Some(journals), std::time::Instant::now())
    }

    fn with_settings(
        context: &eframe::CreationContext,
        paths: Vec<PathBuf>,
        settings: Settings,
        keeps_settings: bool,
        journals: Option<PathBuf>,
        started: std::time::Instant,
    ) -> Self {
        theme::install(&context.egui_ctx);
        let mut is_software = false;
        if let Some(state) = &context.wgpu_render_state {
            body::install(state);
            opaque::install(state);
            still::install(&context.egui_ctx, state);
            let card = state.adapter.get_info();
            is_software = card.device_type == eframe::egui_wgpu::wgpu::DeviceType::Cpu;
            note_card(format!("{}, {} {} ({:?})", card.name, card.driver, card.driver_info, card.backend));
        }
        let wake = context.egui_ctx.clone();
        let mut studio = Studio::new(settings.clone(), Arc::new(move || wake.request_repaint()));
        studio.body.waits_for_strokes = is_software;
        let adapter = context.wgpu_render_state.as_ref().map(|state| state.adapter.clone());
        studio.body.pictures.artist = adapter.map(|adapter| Arc::new(body::Artist::new(adapter)) as Arc<dyn DrawBody>);
        // In tests reports lie beside the journals.
        let reports =
            if keeps_settings { data_folder() } else { journals.as_ref().and_then(|own| Some(own.parent()?.into())) };
        if let Some(folder) = reports {
            crashes::look(&mut studio, folder.clone());
            templates::look(&mut studio, folder.join("templates"));
        }
        if let Some(folder) = journals {
            let wake = context.egui_ctx.clone();
            journaling::start(&mut studio, folder, Arc::new(move || wake.request_repaint()));
            recovery::look(&mut studio);
        }
        if keeps_settings {
            studio.servers.file = servers_file();
            studio.servers.uses_keyring = true;
        }
        scans::open(&mut studio, paths);
        Self {
            studio,
            outbox: Outbox::default(),
            views: Views::default(),
            textures: Textures::default(),
            dialogs: if keeps_settings { Dialogs::new() } else { Dialogs::own() },
            over: Over::default(),
            saved_settings: settings,
            settings_writer: SettingsWriter::new(settings::file()),
            keeps_settings,
            title: String::new(),
            started,
            first_frame: None,
            has_shown: false,
            fills_screen: false,
        }
    }

    /// What the window works on.
    pub fn studio(&self) -> &Studio {
        &self.studio
    }

    /// Asks for something, as a panel does; it is done before the next frame.
    pub fn request(&mut self, request: Request) {
        self.outbox.send(request);
    }

    /// Whether no job runs and nothing waits to be done.
    pub fn is_idle(&self) -> bool {
        self.studio.tasks.is_empty() && self.studio.effects.is_empty()
    }

    /// The labels in hand, if a scan is on screen.
    pub fn labels(&self) -> Option<&LabelMap> {
        self.studio.segmentation().map(Segmentation::labels)
    }

    /// Names and colours of the labels, if a scan is on screen.
    pub fn label_table(&self) -> Option<&LabelTable> {
        self.studio.segmentation().map(Segmentation::table)
    }

    /// The label that is painted, if a scan is on screen.
    pub fn active_label(&self) -> Option<LabelValue> {
        self.studio.label_view().map(|view| view.active)
    }

    /// The segmentation in hand, if a scan is on screen.
    pub fn document(&self) -> Option<&Segmentation> {
        self.studio.segmentation()
    }

    /// Whether the window was told to close.
    pub fn is_closing(&self) -> bool {
        self.studio.is_closing
    }

    /// Turns the keeping of parts that do not change (`paint/still`) on or off.
    pub fn set_keeping(&self, context: &egui::Context, on: bool) {
        still::set_on(context, on);
    }

    /// How many parts of the last frame were kept.
    pub fn kept_parts(&self, context: &egui::Context) -> usize {
        still::kept(context)
    }

    /// The display window, if a scan is on screen.
    pub fn window(&self) -> Option<Window> {
        self.studio.view().map(|view| view.window)
    }

    /// Messages on screen.
    pub fn messages(&self) -> Vec<String> {
        self.studio.notices.all().iter().map(|notice| notice.text.clone()).collect()
    }

    /// Time from the program's start to the end of the first frame.
    pub fn first_frame(&self) -> Option<std::time::Duration> {
        self.first_frame
    }

    /// Writes the segmentation in hand.
    pub fn save_labels(&mut self, path: PathBuf) {
        if let Some(of) = self.studio.active() {
            saving::save_labels(&mut self.studio, of, path);
        }
    }

    /// Reads a mask for the segmentation in hand.
    pub fn open_labels(&mut self, path: PathBuf) {
        if let Some(of) = self.studio.active() {
            scans::open_labels(&mut self.studio, of, path, None);
        }
    }

    /// The folder of labelled scans to learn from.
    pub fn set_dataset(&mut self, path: PathBuf) {
        teach::set_dataset(&mut self.studio, path);
    }

    /// Taught models go here instead of the user's folder.
    pub fn set_model_folder(&mut self, folder: PathBuf) {
        self.studio.models.folder = Some(folder);
        self.studio.teach.looked_up = None;
    }

    /// Forgets what was found on disk under a model's name.
    pub fn look_up_models_again(&mut self) {
        self.studio.teach.looked_up = None;
    }

    /// What the studio asks of the shell.
    fn take_effects(&mut self, context: &egui::Context) {
        for effect in std::mem::take(&mut self.studio.effects) {
            match effect {
                Effect::Ask(question, places) => self.dialogs.ask(question, places, context),
                Effect::Close => context.send_viewport_cmd(egui::ViewportCommand::Close),
                Effect::Copy(text) => context.copy_text(text),
                Effect::Show(Dialog::Palette) => self.over.palette = Some(Palette::default()),
                Effect::Show(Dialog::Keys) => self.over.keys = Some(KeysWindow::default()),
                Effect::Show(Dialog::About) => self.over.is_about = true,
                Effect::Show(Dialog::Licences) => self.over.licences = Some(LicencesWindow::default()),
            }
        }
    }

    fn take_requests(&mut self, context: &egui::Context) {
        for request in self.outbox.take() {
            handle(&mut self.studio, request);
        }
        // What was done is on disk before the next frame.
        journaling::keep(&mut self.studio);
        self.take_effects(context);
    }

    /// Whether something over the window takes the keys.
    fn is_covered(&self) -> bool {
        let over = self.over.palette.is_some() || self.over.keys.is_some() || self.over.is_about;
        over || self.over.licences.is_some()
            || self.studio.recovery.is_open
            || self.studio.crashes.is_open
            || self.studio.servers.is_open
            || self.studio.templates.is_open
            || self.studio.deidentifying.is_open
            || self.studio.figures.form.is_some()
            || self.studio.body.pictures.form.is_some()
            || self.studio.leaving.is_some()
            || self.studio.replacing.is_some()
            || self.studio.other_grid.is_some()
            || self.studio.sizing.form.is_some()
            || self.dialogs.is_open()
    }

    /// The title names the scan and marks unsaved work.
    fn follow_title(&mut self, context: &egui::Context) {
        let mark = if self.studio.is_unsaved() { "* " } else { "" };
        let name = self.studio.shown_item().map(|item| format!("{} - ", item.entry.name)).unwrap_or_default();
        let title = format!("{mark}{name}Lamella");
        if title != self.title {
            context.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// A window that opens larger than its screen, its title bar included, fills the screen instead: nothing of it lies outside.
    fn fit_screen(&mut self, context: &egui::Context) {
        // The system puts the title bar around the window a little after it has opened.
        if self.started.elapsed() > OPENING {
            return;
        }
        let (outer, monitor) = context.input(|i| (i.viewport().outer_rect, i.viewport().monitor_size));
        if let (Some(outer), Some(monitor)) = (outer, monitor)
            && (outer.width() > monitor.x || outer.height() > monitor.y)
            && !std::mem::replace(&mut self.fills_screen, true)
        {
            context.send_viewport_cmd(egui::ViewportCommand::Maximized(true));
        }
    }

    /// The language that was chosen is in force from the next text on.
    fn follow_language(&mut self) {
        let language = self.studio.settings.language.unwrap_or(Language::English);
        if language != words::language()
            && let Err(error) = words::set_language(language)
        {
            self.studio.settings.language = Some(Language::English);
            self.studio.notices.push(Kind::Error, error.to_string(), "");
        }
    }

    fn keep_settings(&mut self, context: &egui::Context) {
        let size = context.input(|i| i.viewport().inner_rect).map(|rect| [rect.width().round(), rect.height().round()]);
        self.studio.settings.window_size = size.or(self.studio.settings.window_size);
        if !context.input(|i| i.pointer.any_down()) {
            self.write_settings();
        }
    }

    fn write_settings(&mut self) {
        if self.keeps_settings && self.studio.settings != self.saved_settings {
            self.settings_writer.write(&self.studio.settings);
            self.saved_settings = self.studio.settings.clone();
        }
    }
}

impl eframe::App for App {
    fn raw_input_hook(&mut self, context: &egui::Context, input: &mut egui::RawInput) {
        input::take_tab(context, input, &self.studio, &mut self.outbox);
    }

    /// Takes what jobs, dialogs and drops brought; paints nothing.
    fn logic(&mut self, context: &egui::Context, _: &mut eframe::Frame) {
        while let Some(answer) = self.dialogs.poll(context) {
            self.outbox.send(Request::Answer(answer));
        }
        let dropped: Vec<PathBuf> =
            context.input(|i| i.raw.dropped_files.iter().map(|f| f.path().to_path_buf()).collect());
        if !dropped.is_empty() {
            self.outbox.send(Request::Open(dropped));
        }
        if context.input(|i| i.viewport().close_requested())
            && !self.studio.is_closing
            && loss(&self.studio, Leaving::Window).is_some()
        {
            context.send_viewport_cmd(egui::ViewportCommand::CancelClose);
            self.studio.leaving = Some(Leaving::Window);
        }
        self.take_requests(context);
        self.follow_language();
        if let Some(wait) = cine::advance(&mut self.studio, std::time::Instant::now()) {
            context.request_repaint_after(wait);
        }
        // What depends on the slice follows the one that is about to be painted.
        follow(&mut self.studio);
        if self.studio.notices.will_age() {
            context.request_repaint_after_secs(1.0);
        }
        if let Some(wait) = next_look(&self.studio) {
            context.request_repaint_after(wait);
        }
        self.take_effects(context);
        context.set_theme(if self.studio.settings.dark { egui::Theme::Dark } else { egui::Theme::Light });
        self.follow_title(context);
        self.keep_settings(context);
        self.fit_screen(context);
    }

    fn on_exit(&mut self) {
        journaling::end(&mut self.studio);
        servers::end(&mut self.studio);
        self.write_settings();
        self.settings_writer.finish();
    }

    /// Panels paint no ground of their own: what is cleared is not painted twice, which costs time without a graphics card.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        theme::clear_colour(visuals).to_normalized_gamma_f32()
    }

    /// Paints; waits for nothing.
    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let (between, own) = (ui.input(|i| i.unstable_dt), frame.info().cpu_usage.unwrap_or_default());
        tracing::trace!("frame after {:.2} ms, own work {:.2} ms", between * 1000.0, own * 1000.0);
        let is_covered = self.is_covered();
        let is_shown = self.studio.shown.is_some();
        let (studio, outbox) = (&self.studio, &mut self.outbox);
        bars::top::top_ui(ui, studio, outbox);
        bars::status::status_ui(ui, studio, outbox);
        if studio.settings.panels {
            panels::data_tree::data_tree_ui(ui, studio, outbox, &mut self.textures);
            if studio.shown.is_some() || teach::is_alone(studio) {
                panels::tasks_ui(ui, studio, outbox, &mut self.textures);
            }
        }
        windows::pending::pending_ui(ui, studio, outbox);
        egui::CentralPanel::no_frame().show(ui, |ui| {
            let area = ui.max_rect();
            if studio.shown.is_some() {
                views::views_ui(ui, area, studio, outbox, &mut self.views, &mut self.textures);
            } else {
                ui.painter().rect_filled(area, 0.0, theme::tokens(ui).ground);
                windows::welcome::welcome_ui(ui, studio, outbox);
            }
        });
        input::drop_target_ui(ui);
        windows::leaving::leaving_ui(ui, studio, outbox);
        windows::replacing::replacing_ui(ui, studio, outbox);
        windows::other_grid::other_grid_ui(ui, studio, outbox);
        windows::sizing::sizing_ui(ui, studio, outbox);
        windows::recovery::recovery_ui(ui, studio, outbox);
        windows::crashes::crashes_ui(ui, studio, outbox);
        let context = ui.ctx().clone();
        self.over.palette.take_if(|palette| !palette.ui(&context, studio, outbox));
        self.over.keys.take_if(|keys| !keys.ui(&context, studio, outbox));
        self.over.is_about = self.over.is_about && windows::about::about_ui(&context, outbox);
        self.over.licences.take_if(|licences| !licences.ui(&context));
        self.over.servers.ui(&context, studio, outbox);
        windows::templates::templates_ui(&context, studio, outbox);
        windows::deidentifying::deidentifying_ui(&context, studio, outbox);
        windows::body_pictures::body_pictures_ui(&context, studio, outbox);
        windows::figures::figures_ui(&context, studio, outbox, &mut self.textures);
        self.dialogs.ui(&context);
        if !is_covered {
            input::handle_keys(ui, studio, outbox);
        }
        // What was asked for in this frame is done now, so that the next one shows it.
        self.take_requests(&context);
        if self.first_frame.is_none() {
            let elapsed = self.started.elapsed();
            self.first_frame = Some(elapsed);
            tracing::info!("first frame after {:.0} ms", elapsed.as_secs_f64() * 1000.0);
        }
        if is_shown && !std::mem::replace(&mut self.has_shown, true) {
            tracing::info!("first slice after {:.0} ms", self.started.elapsed().as_secs_f64() * 1000.0);
        }
    }
}
